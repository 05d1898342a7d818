"""The DICOM node's listening end: one thread with an event loop of its own, in front of the archive."""

import asyncio
import contextlib
import resource
import socket
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from gemel.core.errors import InputError
from gemel.io.prescan_rules import DEFLATED, storage_classes
from gemel.service.archive import Archive
from gemel.service.node import front_counts, scp
from gemel.service.node.associations import Register
from gemel.service.node.front_body import Room
from gemel.service.node.front_connection import Connection, Shared
from gemel.service.node.front_limits import Limits
from gemel.service.node.front_negotiation import Negotiator
from gemel.service.node.front_offload import Offload
from gemel.service.node.front_peers import Allowed
from gemel.service.node.pdu import Reason
from gemel.service.security.tls import context
from gemel.service.settings import Settings

BACKLOG = (
    4096  # connections that the system holds for us: one more would be tried again by its peer after a second (Linux cuts it to somaxconn)
)
ACCEPTED = 64  # of them taken in one turn of the loop
TICK_S = 0.5
OPEN_FILES = 4096  # asked of the system: a connection is one


@dataclass(frozen=True)
class Node:
    """A running node."""

    aet: str
    port: int
    shared: Shared
    loop: asyncio.AbstractEventLoop
    ending: asyncio.Event
    thread: threading.Thread

    def status(self) -> Mapping[str, Any]:
        """Associations, counts since the start, objects a second, room on the disk, and who was heard last."""
        counts, register = self.shared.counts, self.shared.register
        peers = [{"peer": peer, "last_s": at_s, "objects": number} for peer, (at_s, number) in list(counts.peers.items())]
        events = dict(counts.events)
        return {
            "aet": self.aet,
            "port": self.port,
            "associations": len(register.associated),
            "waiting": len(register.waiting),
            "received": events.get("received", 0),
            "refused": events.get("refused", 0),
            "rate_per_s": front_counts.rate_per_s(counts),
            "disk_free_bytes": self.shared.offload.archive.free_bytes(),
            "events": events,
            "peers": peers,
        }

    def close(self) -> None:
        """Ends all associations and stops listening; objects that came whole are kept."""
        if not self.loop.is_closed():
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self.ending.set)
        self.thread.join()
        self.shared.offload.pool.shutdown()


def start(
    settings: Settings,
    archive: Archive,
    *,
    handlers: scp.Handlers | None = None,
    tls: ssl.SSLContext | None = None,
    allowed: tuple[Allowed, ...] = (),
    limits: Limits | None = None,
) -> Node:
    """Listens on the settings' host and DICOM port (0: any that is free). Raises InputError when the port is taken."""
    tls = tls or context(settings)
    shared = _shared(settings, archive, handlers or {}, allowed, limits or Limits())
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()
    thread = threading.Thread(target=_thread, args=(settings, shared, tls, ready), name="dicom node", daemon=True)
    _allow_files()
    thread.start()
    loop, ending, port = ready.result()
    return Node(settings.aet, port, shared, loop, ending, thread)


def _shared(settings: Settings, archive: Archive, handlers: scp.Handlers, allowed: tuple[Allowed, ...], limits: Limits) -> Shared:
    classes = storage_classes() | {scp.VERIFICATION} | handlers.keys()
    negotiator = Negotiator(
        settings.aet, classes.__contains__, _syntaxes(), limits.unit_bytes, allowed, limits.called_must_match, frozenset(handlers)
    )
    return Shared(negotiator, Offload(archive, handlers), Register(limits), front_counts.Counts(), Room(archive.folder, limits))


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


def _thread(settings: Settings, shared: Shared, tls: ssl.SSLContext | None, ready: "Future[Any]") -> None:
    asyncio.run(_serve(settings, shared, tls, ready))


async def _serve(settings: Settings, shared: Shared, tls: ssl.SSLContext | None, ready: "Future[Any]") -> None:
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    try:
        listening = _listen(settings)
    except InputError as error:
        ready.set_exception(error)
        return
    handshake_s = shared.room.limits.artim_s if tls else None
    server = await loop.create_server(
        lambda: Connection(shared), sock=listening, backlog=ACCEPTED, ssl=tls, ssl_handshake_timeout=handshake_s
    )
    listening.listen(BACKLOG)
    ready.set_result((loop, ending, listening.getsockname()[1]))
    async with server:
        await _watch(shared, ending)
        _end(shared)
        await asyncio.sleep(0)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.dicom_port), family=family, backlog=BACKLOG)
    except OSError as error:
        where, remedy = f"{settings.host}:{settings.dicom_port}", "stop who uses it, or name another with --dicom-port"
        raise InputError(f"the DICOM port cannot be opened: {error.strerror}", where=where, remedy=remedy) from error


async def _watch(shared: Shared, ending: asyncio.Event) -> None:
    """Looks at every connection's clock until the node is to end."""
    loop = asyncio.get_running_loop()
    while not ending.is_set():
        for line in [*shared.register.waiting, *shared.register.associated]:
            if isinstance(line, Connection):
                line.watch(loop.time())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), TICK_S)


def _end(shared: Shared) -> None:
    for line in [*shared.register.waiting, *shared.register.associated]:
        if isinstance(line, Connection):
            line.abort(Reason.NOT_SPECIFIED, "the node ends")
            line.transport.abort()
