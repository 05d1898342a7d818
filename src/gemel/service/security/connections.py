"""Connections that do not get on: headers that come too slowly, answers that nobody reads, and idle ones when there are too many.

A new connection is never refused for idle ones: the one that has waited longest is closed for it, one that never asked anything first, one
that was answered next, one whose body is still coming last. So nobody without a session keeps others out by bodies that trickle.
"""

import asyncio
from collections import OrderedDict
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gemel.service.settings import Limits

UNREAD_S = 60.0


class Connection(H11Protocol):
    """One connection of a server. `waiting` are those of the server whose next request has not come whole, the oldest first, and whether
    they were answered before.

    `leaving` were closed for others, and still count among uvicorn's connections until the loop comes round.
    """

    limits: ClassVar[Limits] = Limits()
    waiting: ClassVar["OrderedDict[Connection, bool]"] = OrderedDict()
    sending: ClassVar["OrderedDict[Connection, None]"] = OrderedDict()
    leaving: ClassVar["set[Connection]"] = set()
    answered = False
    slow: asyncio.TimerHandle | None = None
    unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begins to wait for the first headers."""
        super().connection_made(transport)
        self._wait()
        for _ in range(len(self.connections) - len(self.leaving) - self.limits.connections):
            oldest = self._oldest()
            if oldest is None:  # all others are being answered
                return
            self.leaving.add(oldest)
            oldest._got()
            oldest.transport.abort()

    def _oldest(self) -> "Connection | None":
        """Who is to make room."""
        never = (one for one, answered in self.waiting.items() if one is not self and not answered)
        return next(never, None) or next((one for one in (*self.waiting, *self.sending) if one is not self), None)

    def data_received(self, data: bytes) -> None:
        """Waits on while headers are not whole."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._got()
            if self.conn.their_state is h11.SEND_BODY:
                self.sending[self] = None
        elif self.slow is None:
            self._wait()

    def on_response_complete(self) -> None:
        """Waits, as a connection that may be closed for another, for the next request."""
        super().on_response_complete()
        self.answered = True
        if not self.transport.is_closing():
            self.waiting[self] = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        super().connection_lost(exc)
        self.leaving.discard(self)
        self._got()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Gives the peer a minute to read."""
        super().pause_writing()
        self.unread = self.unread or self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The peer reads."""
        super().resume_writing()
        if self.unread is not None:
            self.unread.cancel()
            self.unread = None

    def _wait(self) -> None:
        self.waiting[self] = self.answered
        self.slow = self.loop.call_later(self.limits.header_s, self.transport.abort)

    def _got(self) -> None:
        self.waiting.pop(self, None)
        self.sending.pop(self, None)
        if self.slow is not None:
            self.slow.cancel()
            self.slow = None


def protocol(limits: Limits) -> type[Connection]:
    """The protocol of one server, with its own bounds and its own connections that wait."""
    return type("Connection", (Connection,), {"limits": limits, "waiting": OrderedDict(), "sending": OrderedDict(), "leaving": set()})
