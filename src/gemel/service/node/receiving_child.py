"""A receiving process: it speaks with peers and gathers and hashes what they send; the service judges, writes and answers.

It holds no key and opens no file of the archive's. It ends when the service does.
"""

import asyncio
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gemel.service.node import front_clock, front_counts, receiving_memory, receiving_words
from gemel.service.node.associations import Register
from gemel.service.node.front_connection import Connection, Shared
from gemel.service.node.receiving_words import hear, say
from gemel.service.node.scp_request import Done, Request, at_once
from gemel.service.security.handshakes import Port
from gemel.service.security.tls import context
from gemel.service.settings import Settings

UNHEARD_MS = 10_000  # the service reads all the time; one that does not is gone


@dataclass
class Relay:
    """The service, seen from here. handled: classes that it answers besides storage; waiting: who waits for which answer."""

    end: socket.socket
    handled: frozenset[str]
    waiting: dict[int, Done] = field(default_factory=dict)
    lines: dict[int, asyncio.BaseTransport] = field(default_factory=dict)
    beginning: set[asyncio.Task[None]] = field(default_factory=set)
    asked: int = 0

    def run(self, request: Request, elsewhere: Done, here: Done) -> None:
        """Hands a message to the service, with the memory or the file that its data set lies in; an echo is answered at once."""
        answer = at_once(request, self.handled)
        if answer is not None:
            here(answer)
            return
        self.asked += 1
        self.waiting[self.asked] = here
        _ask(self, request)

    def left(self, line: int) -> None:
        """A connection has ended."""
        if self.lines.pop(line, None) is not None:
            _say(self, {"left": line})

    def refused(self, calling: str, host: str) -> None:
        """Somebody who may not call has called."""
        _say(self, {"refused": [calling, host]})


def _ask(relay: Relay, request: Request) -> None:
    body, file = request.body, -1
    words: dict[str, Any] = {"ask": relay.asked, "request": receiving_words.of_request(request), "bytes": len(request.data), "slot": 0}
    if body is not None and body.slot is not None:
        words |= {"slot": body.slot.number, "gone": receiving_memory.told_of_gone(body.room.slots)}
        file = -1 if body.slot.told else body.slot.file
        body.slot.told = True
    elif body is not None and body.file is not None:
        file = body.file.fileno()
    _say(relay, words, file)


def _say(relay: Relay, words: receiving_words.Words, file: int = -1) -> None:
    """Waits for room, of which there is enough: no more is under way than there are associations."""
    while True:
        try:
            say(relay.end, words, file, flags=socket.MSG_DONTWAIT)
            return
        except BlockingIOError:
            ready = select.poll()
            ready.register(relay.end, select.POLLOUT)
            if not ready.poll(UNHEARD_MS):
                os._exit(1)
        except OSError:  # the service is gone; the end of its packets says so too
            return


def main(descriptor: int) -> None:
    """Receives until the service says that it ends, or is gone."""
    for one in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C in a terminal and systemd reach all processes; the service says when to end
        signal.signal(one, signal.SIG_IGN)
    end = socket.socket(fileno=descriptor)
    try:
        told, _ = hear(end)
    except EOFError:
        return
    asyncio.run(_serve(end, told))


async def _serve(end: socket.socket, told: dict[str, Any]) -> None:
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    negotiator, room = receiving_words.negotiator_of(told["negotiator"]), receiving_words.room_of(told["room"])
    relay = Relay(end, negotiator.turned)
    shared = Shared(negotiator, relay, Register(room.limits), front_counts.Counts(), room)
    tls = context(Settings(store="", folder=room.folder, tls=receiving_words.tls_of(told["tls"])))
    port = Port(tls, room.limits.artim_s) if tls else None
    loop.add_reader(end, partial(_listen, relay, shared, port, ending))
    _say(relay, {"ready": True})
    await front_clock.watch(shared, ending, besides=partial(_look, relay))
    front_clock.end(shared)
    await asyncio.sleep(0)


def _listen(relay: Relay, shared: Shared, port: Port | None, ending: asyncio.Event) -> None:
    """What the service has said: an answer, a new connection, a question for the counts, the end."""
    while not ending.is_set():
        try:
            told, file = hear(relay.end, flags=socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except EOFError:
            os._exit(0)  # nobody is there to keep what may still come
        if "told" in told:
            relay.waiting.pop(told["told"])(receiving_words.answer_of(told["answer"]))
        elif "take" in told and file >= 0:
            _take(relay, shared, port, (told["take"], file))
        elif "take" in told:  # too many open files: the system has closed it
            _say(relay, {"left": told["take"]})
        elif "count" in told:
            _say(relay, {"counted": front_counts.snapshot(shared.counts, shared.register), "of": told["count"]})
        elif "end" in told:
            ending.set()


def _take(relay: Relay, shared: Shared, port: Port | None, given: tuple[int, int]) -> None:
    line, accepted = given[0], socket.socket(fileno=given[1])
    accepted.setblocking(False)
    plain: Callable[[], Connection] = partial(Connection, shared, line)
    making = asyncio.get_running_loop().connect_accepted_socket(port.speaking(plain) if port else plain, accepted)
    task = asyncio.get_running_loop().create_task(_begin(relay, line, making))
    relay.beginning.add(task)
    task.add_done_callback(relay.beginning.discard)


async def _begin(relay: Relay, line: int, making: Any) -> None:
    try:
        transport, _ = await making
    except OSError:
        _say(relay, {"left": line})
        return
    relay.lines[line] = transport


def _look(relay: Relay) -> None:
    """Connections that ended without a word to us, such as those whose handshake failed."""
    for line, transport in list(relay.lines.items()):
        if transport.is_closing():
            relay.left(line)


if __name__ == "__main__":
    main(int(sys.argv[1]))
