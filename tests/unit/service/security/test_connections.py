"""Too many connections at once: the oldest idle ones make room, the newest never do."""

import asyncio
from typing import Any
from unittest.mock import MagicMock

import uvicorn
from uvicorn.server import ServerState

from gemel.service.security.connections import protocol
from gemel.service.settings import Limits


def test_a_burst_evicts_the_oldest_and_spares_the_newcomer() -> None:
    """Closing takes a round of the loop: what was closed already must not be counted again."""

    async def burst() -> list[bool]:
        kind, state = protocol(Limits(connections=3)), ServerState()
        config = uvicorn.Config(app=lambda *_: None, log_config=None, ws="none")
        config.load()
        transports: list[Any] = []
        for _ in range(8):
            transports.append(MagicMock())
            kind(config=config, server_state=state, app_state={}).connection_made(transports[-1])
        return [transport.abort.called for transport in transports]

    assert asyncio.run(burst()) == [True] * 5 + [False] * 3
