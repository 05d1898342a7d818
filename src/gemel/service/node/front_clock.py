"""What a node does by the clock, and at its end, in whichever process its connections are."""

import asyncio
import contextlib
from collections.abc import Callable

from gemel.service.node.front_connection import Connection, Shared
from gemel.service.node.pdu import Reason

TICK_S = 0.5


async def watch(shared: Shared, ending: asyncio.Event, *, besides: Callable[[], None] = lambda: None) -> None:
    """Looks at every connection's clock until the node is to end, and does what is asked `besides` each time."""
    loop = asyncio.get_running_loop()
    while not ending.is_set():
        for line in [*shared.register.waiting, *shared.register.associated]:
            if isinstance(line, Connection):
                line.watch(loop.time())
        besides()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), TICK_S)


def end(shared: Shared) -> None:
    """Says A-ABORT to all, and closes."""
    for line in [*shared.register.waiting, *shared.register.associated]:
        if isinstance(line, Connection):
            line.abort(Reason.NOT_SPECIFIED, "the node ends")
            line.transport.abort()
