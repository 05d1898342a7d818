"""One connection: the acceptor's state machine of the upper layer (DICOM PS3.8 section 9.2), in an event loop."""

import asyncio
import socket
from asyncio.trsock import TransportSocket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Protocol, cast, runtime_checkable

from gemel.service.node import associations, front_body, front_counts, front_message, scp_command
from gemel.service.node.front_message import Message
from gemel.service.node.front_negotiation import UNWELCOME, Association, Negotiator, negotiate
from gemel.service.node.pdu import RELEASED, Reason, Type, aborted, data
from gemel.service.node.pdu_associate import proposal
from gemel.service.node.pdu_stream import Fault, Stream, feed
from gemel.service.node.scp_request import C_CANCEL, C_STORE, COERCED, SUCCESS, Answer, Done, Request

SCRATCH_BYTES = 256 * 1024  # read at once; what one turn of the loop can be kept busy with
SMALL_BYTES = 16 * 1024  # the same, outside a data set
PIECE_BYTES = 4096  # less than this may be the first piece of a unit whose rest waits
UNSENT_BYTES = 65536  # answers that a peer does not read
DISCARDED_BYTES = 1 << 20  # read and thrown away after the last word
PATIENCE_S = 0.25  # with who is idle or slow, when the place is wanted
QUEUED = 2  # messages that a peer may send ahead of our answer; then it is not read


class State(Enum):
    """States of PS3.8 table 9-10 that an acceptor which never releases can be in."""

    REQUESTED = "Sta2: awaiting the request for an association"
    ESTABLISHED = "Sta6: data transfer"
    CLOSING = "Sta13: awaiting the end of the connection"


@runtime_checkable
class Services(Protocol):
    """Who does what is asked: in this process, or in the one that has the archive."""

    def run(self, request: Request, elsewhere: Done, here: Done) -> None:
        """Calls `here` in the loop's own thread, or `elsewhere` from another, with the answer."""
        ...

    def left(self, line: int) -> None:
        """A connection has ended."""
        ...

    def refused(self, calling: str, host: str) -> None:
        """Somebody who may not call has called."""
        ...


@dataclass(frozen=True)
class Shared:
    """What all connections of a node share."""

    negotiator: Negotiator
    offload: Services
    register: associations.Register
    counts: front_counts.Counts
    room: front_body.Room
    scratch: memoryview = field(default_factory=lambda: memoryview(bytearray(SCRATCH_BYTES)))


class Connection(asyncio.BufferedProtocol):
    """A peer that connected; `line` is the connection's number."""

    def __init__(self, shared: Shared, line: int) -> None:
        self.shared, self.line, self.loop = shared, line, asyncio.get_running_loop()
        limits = shared.room.limits
        self.stream = Stream(self._unit, self._fragment, limits.unit_bytes)
        self.message = front_message.begin(shared.room)
        self.association: Association | None = None
        self.state, self.host = State.REQUESTED, ""
        self.queue: deque[Message] = deque()
        self.busy: Message | None = None
        self.since_s = self.marked_s = self.last_s = self.loop.time()
        self.received = self.marked = 0

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self.transport = cast(asyncio.Transport, transport)
        self.socket: TransportSocket = transport.get_extra_info("socket")
        with suppress(OSError):  # it may be gone already
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host = (transport.get_extra_info("peername") or ("unknown",))[0]
        self.shared.counts.events["connections"] += 1
        associations.arrive(self.shared.register, self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go: one buffer for all, since they are read out of it before another connection has its turn.

        Little of it outside a data set, so that a burst of small messages does not keep the others waiting.
        """
        return self.shared.scratch if self.message.command is not None else self.shared.scratch[:SMALL_BYTES]

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have come."""
        self.received += nbytes
        self.last_s = self.loop.time()
        if self.state is State.CLOSING:
            self._discard()
            return
        if nbytes < PIECE_BYTES:
            _acknowledge_at_once(self.socket)
        try:
            feed(self.stream, self.shared.scratch[:nbytes])
        except Fault as fault:
            self.abort(fault.reason, fault.words)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; what is on its way to the archive is kept all the same."""
        self.state = State.CLOSING
        associations.leave(self.shared.register, self)
        for message in [self.message, *self.queue]:
            front_body.drop(message.body)
        self.queue.clear()
        self.shared.offload.left(self.line)

    # What the register and the clock ask.

    @property
    def idle(self) -> bool:
        """True when nothing is on its way in either direction."""
        return not (self.busy or self.message.begun or self.stream.within)

    @property
    def settled(self) -> bool:
        """True when nothing came for a while: it is not just about to speak."""
        return self.loop.time() - self.last_s > PATIENCE_S

    @property
    def slow(self) -> bool:
        """True when it is in the middle of a message and sends less than is asked of it."""
        since_s = self.loop.time() - self.marked_s
        little = self.received - self.marked < self.shared.room.limits.least_bytes_s * since_s
        return not self.idle and self.busy is None and since_s > PATIENCE_S and little

    def cut(self, words: str) -> None:
        """Ends it at once."""
        self.shared.counts.events["cut"] += 1
        self.transport.write(aborted(Reason.NOT_SPECIFIED))
        self.state = State.CLOSING
        associations.leave(self.shared.register, self)
        self.transport.abort()

    def watch(self, now_s: float) -> None:
        """Ends it when a time has run out: for the request, between messages, for closing; or when the peer sends too slowly."""
        limits = self.shared.room.limits
        if self.state is not State.ESTABLISHED:
            if now_s - self.since_s > limits.artim_s:
                self.cut("ARTIM")
        elif self.busy:
            self.marked_s, self.marked = now_s, self.received
        elif self.idle:
            self.marked_s, self.marked = now_s, self.received
            if now_s - self.last_s > limits.idle_s:
                self.abort(Reason.NOT_SPECIFIED, "idle")
        elif now_s - self.marked_s >= limits.rate_window_s:
            slow = self.received - self.marked < limits.least_bytes_s * limits.rate_window_s
            self.marked_s, self.marked = now_s, self.received
            if slow:
                self.cut("too slow")

    def abort(self, reason: Reason, words: str) -> None:
        """Says A-ABORT and waits for the peer to close."""
        self.shared.counts.events["aborted"] += 1
        self._last_word(aborted(reason))

    # Units.

    def _unit(self, kind: int, body: memoryview) -> None:
        if self.state is State.CLOSING:
            return
        if kind == Type.ABORT:
            self._last_word(b"")
        elif kind == Type.ASSOCIATE_RQ and self.state is State.REQUESTED:
            self._associate(body)
        elif kind == Type.RELEASE_RQ and self.state is State.ESTABLISHED and not self.message.begun:
            self._last_word(RELEASED)
        else:
            raise Fault(Reason.UNEXPECTED_PDU, f"a unit of type {kind} in {self.state.value}")

    def _associate(self, body: memoryview) -> None:
        certificate = self.transport.get_extra_info("peercert")
        made, answered = negotiate(self.shared.negotiator, body, self.host, certificate)
        if made is not None and not associations.associate(self.shared.register, self):
            made, answered = None, self.shared.negotiator.congested
        if made is None:
            self.shared.counts.events["associations_refused"] += 1
            if answered in UNWELCOME:
                self.shared.offload.refused(proposal(body).calling, self.host)
            self._last_word(answered)
            return
        self.association, self.state = made, State.ESTABLISHED
        self.shared.counts.events["associations"] += 1
        front_counts.hear(self.shared.counts, f"{made.calling}@{self.host}")
        self._write(answered)

    def _fragment(self, context: int, control: int, piece: memoryview, ended: bool) -> None:
        if self.state is State.CLOSING:
            return
        if self.association is None:
            raise Fault(Reason.UNEXPECTED_PDU, "data before an association")
        if context not in self.association.contexts:
            raise Fault(Reason.INVALID_VALUE, f"data in context {context}, which was not accepted")
        if not self.message.begun:
            self.marked_s, self.marked = self.last_s, self.received
        front_message.add(self.message, context, control, piece)
        if ended and front_message.ends(self.message, control):
            message, self.message = self.message, front_message.begin(self.shared.room)
            self._take(message)

    # Messages.

    def _take(self, message: Message) -> None:
        """One message at a time; a peer that does not wait for answers is not read for a while."""
        if self.busy is None:
            self._begin(message)
            return
        self.queue.append(message)
        if len(self.queue) >= QUEUED:
            self.transport.pause_reading()

    def _begin(self, message: Message) -> None:
        assert self.association is not None
        self.busy = message
        associations.touch(self.shared.register, self)
        request = self.association.request(message, self.host, self.line)
        answered = partial(self._answered, message, request)
        if request.command.field == C_CANCEL:
            self._next()
        else:
            self.shared.offload.run(request, partial(_from_elsewhere, self.loop, answered), partial(self.loop.call_soon, answered))

    def _answered(self, message: Message, request: Request, answer: Answer) -> None:
        """Sends the answer, in the loop's own thread."""
        front_body.drop(message.body)
        self._count(request, answer)
        if self.state is State.ESTABLISHED and self.association is not None:
            longest, context = self.association.longest, message.context
            told = scp_command.answer(request.command, answer.status, comment=answer.comment, has_data=bool(answer.data))
            following = data(context, answer.data, command=False, longest=longest) if answer.data else b""
            self._write(data(context, told, command=True, longest=longest) + following)
        self._next()

    def _next(self) -> None:
        self.busy = None
        self.last_s = self.marked_s = self.loop.time()
        self.marked = self.received
        if self.queue and self.state is State.ESTABLISHED:
            message = self.queue.popleft()
            if not self.queue:
                self.transport.resume_reading()
            self._begin(message)

    def _count(self, request: Request, answer: Answer) -> None:
        if request.command.field == C_STORE:
            kind = {SUCCESS: "received", COERCED: "quarantined"}.get(answer.status, "refused")
            front_counts.object_came(self.shared.counts, f"{request.calling}@{self.host}", kind)

    # Words.

    def _write(self, content: bytes) -> None:
        """One write a time, so that no small piece waits for an acknowledgement (RFC 896)."""
        self.transport.write(content)
        if self.transport.get_write_buffer_size() > UNSENT_BYTES:
            self.cut("it does not read our answers")

    def _last_word(self, content: bytes) -> None:
        """After it the peer closes; ARTIM runs."""
        if content:
            self.transport.write(content)
        self.state, self.since_s, self.received = State.CLOSING, self.loop.time(), 0
        front_body.drop(self.message.body)
        if not content:
            self.transport.close()

    def _discard(self) -> None:
        if self.received > DISCARDED_BYTES:
            self.transport.abort()


def _acknowledge_at_once(connected: TransportSocket) -> None:
    """A sender with Nagle's algorithm (RFC 896) holds the rest of a unit until its first piece is acknowledged: do it now (Linux)."""
    if hasattr(socket, "TCP_QUICKACK"):
        with suppress(OSError):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _from_elsewhere(loop: asyncio.AbstractEventLoop, answered: Callable[[Answer], None], answer: Answer) -> None:
    """An answer that was found in another thread; when the loop has ended nobody waits for it."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(answered, answer)
