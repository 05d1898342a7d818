"""The DICOM node's listening end: one thread with an event loop of its own, in front of the archive."""

import asyncio
import contextlib
import itertools
import resource
import socket
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from gemel.core.errors import InputError
from gemel.io.dicom_object import IMPLEMENTATION_UID
from gemel.io.prescan_rules import DEFLATED, storage_classes
from gemel.service.archive import Archive
from gemel.service.node import front_clock, front_counts, receiving
from gemel.service.node.associations import Register
from gemel.service.node.front_body import Room
from gemel.service.node.front_connection import Connection, Shared
from gemel.service.node.front_counts import Counts
from gemel.service.node.front_limits import Limits, receivers_of
from gemel.service.node.front_negotiation import Negotiator
from gemel.service.node.front_offload import Offload
from gemel.service.node.front_peers import Allowed
from gemel.service.node.receipts import Receipts
from gemel.service.node.scp_request import VERIFICATION, Handlers
from gemel.service.security.handshakes import Port
from gemel.service.security.tls import context
from gemel.service.settings import Settings

BACKLOG = (
    4096  # connections that the system holds for us: one more would be tried again by its peer after a second (Linux cuts it to somaxconn)
)
ACCEPTED = 64  # of them taken in one turn of the loop
OPEN_FILES = 4096  # asked of the system: a connection is one


@dataclass(frozen=True)
class Node:
    """A running node."""

    aet: str
    port: int
    shared: Shared
    offload: Offload
    loop: asyncio.AbstractEventLoop
    ending: asyncio.Event
    thread: threading.Thread
    staff: receiving.Staff | None = None

    def status(self) -> Mapping[str, Any]:
        """Associations, counts since the start, objects a second, room on the disk, and who was heard last."""
        own = [front_counts.snapshot(self.shared.counts, self.shared.register)]
        counted = front_counts.joined(receiving.counts(self.staff) if self.staff else own)
        events, free = counted["events"], self.offload.archive.free_bytes()
        named = {name: events.get(name, 0) for name in ("received", "refused")}
        return {"aet": self.aet, "port": self.port, **counted, **named, "disk_free_bytes": free}

    def close(self) -> None:
        """Ends all associations and stops listening; objects that came whole are kept."""
        if not self.loop.is_closed():
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self.ending.set)
        self.thread.join()
        if self.staff:
            receiving.close(self.staff)
        self.offload.pool.shutdown()


def start(
    settings: Settings,
    archive: Archive,
    *,
    handlers: Handlers | None = None,
    allowed: tuple[Allowed, ...] = (),
    limits: Limits | None = None,
    receipts: Receipts | None = None,
) -> Node:
    """Listens on the settings' host and DICOM port (0: any that is free); `receipts` writes down what comes.

    Raises InputError when the port is taken, or the certificate cannot be used.
    """
    limits = limits or Limits()
    offload = Offload(archive, handlers or {}, receipts)
    shared = Shared(_negotiator(settings, offload, allowed, limits), offload, Register(limits), Counts(), Room(archive.folder, limits))
    tls, listening = context(settings), _listen(settings)
    _allow_files()
    several = receivers_of(limits)
    staff = receiving.begin(settings, shared, offload, wanted=several) if several > 1 else None
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    serving = _hand_on(staff, listening, ready) if staff else _serve(shared, listening, tls, ready)
    thread = threading.Thread(target=asyncio.run, args=(serving,), name="dicom node", daemon=True)
    thread.start()
    return Node(settings.aet, listening.getsockname()[1], shared, offload, *ready.result(), thread, staff)


def _negotiator(settings: Settings, offload: Offload, allowed: tuple[Allowed, ...], limits: Limits) -> Negotiator:
    handled = frozenset(offload.handlers)
    taken = storage_classes() | {VERIFICATION} | handled
    ours = (limits.unit_bytes, IMPLEMENTATION_UID)
    return Negotiator(settings.aet, frozenset(taken), _syntaxes(), *ours, allowed, limits.called_must_match, handled)


def _syntaxes() -> frozenset[str]:
    """All of the standard but the deflated one: what it inflates to is not known before it is done."""
    from pydicom.uid import AllTransferSyntaxes

    return frozenset(str(uid) for uid in AllTransferSyntaxes) - {DEFLATED}


def _allow_files() -> None:
    """Raises this process' limit of open files as far as it may be, so that idle connections cannot use it up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _serve(shared: Shared, listening: socket.socket, tls: ssl.SSLContext | None, ready: "Future[Any]") -> None:
    """Peers are heard in this process."""
    loop, ending, numbers = asyncio.get_running_loop(), asyncio.Event(), itertools.count(1)

    def plain() -> Connection:
        return Connection(shared, next(numbers))

    speaking = Port(tls, shared.room.limits.artim_s).speaking(plain) if tls else plain
    server = await loop.create_server(speaking, sock=listening, backlog=ACCEPTED)
    listening.listen(BACKLOG)
    ready.set_result((loop, ending))
    async with server:
        await front_clock.watch(shared, ending)
        front_clock.end(shared)
        await asyncio.sleep(0)


async def _hand_on(staff: receiving.Staff, listening: socket.socket, ready: "Future[Any]") -> None:
    """Peers are heard by receiving processes; here they are accepted."""
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    listening.setblocking(False)
    loop.add_reader(listening, receiving.accept, staff, listening, loop)
    ready.set_result((loop, ending))
    with listening:
        await ending.wait()
        loop.remove_reader(listening)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.dicom_port), family=family, backlog=BACKLOG)
    except OSError as error:
        where, remedy = f"{settings.host}:{settings.dicom_port}", "stop who uses it, or name another with --dicom-port"
        told = (error.strerror or str(error)).partition(" (while ")[0]
        raise InputError(f"the DICOM port cannot be opened: {told}", where=where, remedy=remedy) from error
