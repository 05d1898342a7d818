"""Too many connections at once: the oldest idle ones make room, the newest never do."""

import asyncio
from typing import Any
from unittest.mock import MagicMock

import uvicorn
from uvicorn.server import ServerState

from gemel.service.security.connections import protocol
from gemel.service.settings import Limits


def opened(number: int) -> tuple[Any, Any, list[Any]]:
    """So many connections, one after the other, to a server that holds three: what makes one more, the first, their transports."""
    kind, state = protocol(Limits(connections=3)), ServerState()
    config = uvicorn.Config(app=lambda *_: None, log_config=None, ws="none")
    config.load()
    transports: list[Any] = []

    def one() -> Any:
        transports.append(MagicMock(**{"is_closing.return_value": False}))
        made = kind(config=config, server_state=state, app_state={})
        made.connection_made(transports[-1])
        return made

    made = [one() for _ in range(number)]
    return one, made[0], transports


def test_a_burst_evicts_the_oldest_and_spares_the_newcomer() -> None:
    """Closing takes a round of the loop: what was closed already must not be counted again."""

    async def burst() -> list[bool]:
        _, _, transports = opened(8)
        return [transport.abort.called for transport in transports]

    assert asyncio.run(burst()) == [True] * 5 + [False] * 3


def test_those_that_never_asked_go_before_those_that_were_answered() -> None:
    async def burst() -> list[bool]:
        one, first, transports = opened(1)
        first.answered = True
        first.waiting[first] = True
        for _ in range(6):
            one()
        return [transport.abort.called for transport in transports]

    assert asyncio.run(burst()) == [False] + [True] * 4 + [False] * 2


def test_a_newcomer_stays_though_all_others_were_answered() -> None:
    async def burst() -> list[bool]:
        one, first, transports = opened(3)
        for other in list(first.waiting):
            other.answered = first.waiting[other] = True
        one()
        return [transport.abort.called for transport in transports]

    assert asyncio.run(burst()) == [True, False, False, False]


def test_bodies_that_trickle_make_room_too_the_oldest_first() -> None:
    async def burst() -> list[bool]:
        one, first, transports = opened(3)
        for other in list(first.waiting):
            other.data_received(b"POST /fhir HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n")
        one()
        return [transport.abort.called for transport in transports]

    assert asyncio.run(burst()) == [True, False, False, False]


def test_a_body_that_is_whole_is_answered_whoever_comes() -> None:
    async def burst() -> list[bool]:
        one, first, transports = opened(3)
        for other in list(first.waiting):
            other.data_received(b"POST /fhir HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\n")
            other.data_received(b"one")
        one()
        return [transport.abort.called for transport in transports]

    assert asyncio.run(burst()) == [False] * 4
