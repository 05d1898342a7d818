"""`gemel serve`: the application under uvicorn, until it is told to stop."""

import logging
import os
import re
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from typing import Any

import uvicorn
from fastapi import FastAPI

from gemel.core import compiled
from gemel.core.errors import InputError
from gemel.service.app import create_app
from gemel.service.node.rules_read import AET
from gemel.service.security.connections import protocol
from gemel.service.security.handshakes import Port
from gemel.service.security.tls import context
from gemel.service.settings import Settings

NAME = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
GRACE_S = 1
WAITING = 512  # connections that the kernel holds before they are accepted
ACCEPTED = 64  # of them taken in one turn of the loop
AHEAD = 20  # twins whose pages are made ready before anybody asks
SLACK = 4  # idle connections are closed long before uvicorn refuses


def serve(settings: Settings, *, insecure: bool = False, ready: Callable[[Settings], None] = lambda settings: None) -> None:
    """Runs the service; `ready` is told the settings, with the ports taken for 0, when it answers. SIGTERM and SIGINT end it soon.

    Raises InputError when it would speak without TLS to other machines, unless that is `insecure` on purpose, for a port that is taken, and
    for names that cannot be; StoreError when the record or the service's folder cannot be opened.
    """
    os.umask(0o077)  # whatever is written from here on, also by children, is its owner's alone
    require_safe(settings, insecure)
    require_named(settings)
    keep_compiled(settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # of a connection that broke: what it meant is raised, in words
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # what it says of its start and end we say ourselves
    with bound(settings) as listening:
        told = replace(settings, port=listening.getsockname()[1], ahead=AHEAD)
        app = create_app(told)
        Server(configuration(app, told), app, lambda: ready(heard(app, told))).run([listening])


def keep_compiled(settings: Settings) -> None:
    """Children that compute keep their compiled kernels in the service's folder where numba has no place of its own."""
    if not compiled.kept():
        os.environ[compiled.PLACE] = str((settings.folder / "compiled").absolute())


def heard(app: FastAPI, settings: Settings) -> Settings:
    """The settings with the port that the DICOM node took for 0."""
    node = app.state.service.node
    return replace(settings, dicom_port=node.port) if node is not None else settings


class Server(uvicorn.Server):
    """uvicorn, which opens the application's things itself, so that what is wrong with them is told in words, and says when it answers."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.app, self.ready, self.things = app, ready, AsyncExitStack()

    async def startup(self, sockets: Any = None) -> None:
        """Opens, starts, then tells."""
        await self.things.enter_async_context(self.app.router.lifespan_context(self.app))
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(WAITING)
        self.ready()

    async def shutdown(self, sockets: Any = None) -> None:
        """Ends what is under way, then closes."""
        await super().shutdown(sockets)
        await self.things.aclose()


def configuration(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """uvicorn's configuration: bounds on connections and headers, no access log of its own, no header that names it."""
    return uvicorn.Config(
        app,
        http=_speaking(settings),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=SLACK * settings.limits.connections,
        backlog=ACCEPTED,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=settings.limits.header_bytes,
    )


def _speaking(settings: Settings) -> Any:
    """What makes the protocol of a connection, within TLS where there is a certificate: a handshake has as long as the headers."""
    plain, tls = protocol(settings.limits), context(settings)
    if tls is None:
        return plain
    port = Port(tls, settings.limits.header_s)
    return lambda **told: port.speaking(partial(plain, **told))()


def bound(settings: Settings) -> socket.socket:
    """The socket that it listens at. Raises InputError for an address or port that cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        made = socket.create_server((settings.host, settings.port), family=family, backlog=WAITING)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        remedy = "choose another: --port, --host; or stop what uses it"
        told = (error.strerror or str(error)).partition(" (while ")[0]
        raise InputError(f"an address that cannot be had ({told})", where=where, remedy=remedy) from error
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # those that it accepts inherit it: no answer waits 40 ms for an ACK
    return made


def require_safe(settings: Settings, insecure: bool) -> None:
    """Raises InputError when passwords and images would cross a network in clear."""
    if settings.tls is None and not insecure and not loopback(settings.host):
        remedy = "give --tls-cert and --tls-key; or --insecure-http behind a proxy that speaks TLS"
        raise InputError(f"HTTP without TLS on {settings.host}", where="gemel serve", remedy=remedy)


def require_named(settings: Settings) -> None:
    """Raises InputError for an AE title (PS3.5 §6.2) or a host name that cannot be one."""
    if not AET.fullmatch(settings.aet) or not settings.aet.strip():
        remedy = "give --aet 1 to 16 printable characters without backslash (PS3.5 §6.2, AE)"
        raise InputError(f"the AE title {settings.aet!r}", where="gemel serve", remedy=remedy)
    for name in settings.names:
        if not NAME.fullmatch(name):
            raise InputError(f"the host name {name!r}", where="gemel serve", remedy="give the name alone, such as gemel.hospital.example")


def loopback(host: str) -> bool:
    """Whether a host is this machine and no other can reach it."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
