"""`gemel serve`: the application under uvicorn, until it is told to stop."""

import logging
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import uvicorn
from fastapi import FastAPI

from gemel.core.errors import InputError
from gemel.service.app import create_app
from gemel.service.security.connections import protocol
from gemel.service.security.tls import context
from gemel.service.settings import Settings

GRACE_S = 1
WAITING = 512  # connections that the kernel holds before they are accepted
SLACK = 4  # idle connections are closed long before uvicorn refuses


def serve(settings: Settings, *, insecure: bool = False, ready: Callable[[Settings], None] = lambda settings: None) -> None:
    """Runs the service; `ready` is told the settings, with the port that was taken for 0, when it answers. SIGTERM and SIGINT end it soon.

    Raises InputError when it would speak without TLS to other machines, unless that is `insecure` on purpose, and for a port that is taken;
    StoreError when the record or the service's folder cannot be opened.
    """
    require_safe(settings, insecure)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with bound(settings) as listening:
        told = replace(settings, port=listening.getsockname()[1])
        app = create_app(told)
        Server(configuration(app, told), app, lambda: ready(told)).run([listening])


class Server(uvicorn.Server):
    """uvicorn, which opens the application's things itself, so that what is wrong with them is told in words, and says when it answers."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.app, self.ready, self.things = app, ready, AsyncExitStack()

    async def startup(self, sockets: Any = None) -> None:
        """Opens, starts, then tells."""
        await self.things.enter_async_context(self.app.router.lifespan_context(self.app))
        await super().startup(sockets)
        self.ready()

    async def shutdown(self, sockets: Any = None) -> None:
        """Ends what is under way, then closes."""
        await super().shutdown(sockets)
        await self.things.aclose()


def configuration(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """uvicorn's configuration: bounds on connections and headers, no access log of its own, no header that names it."""
    tls = context(settings)
    return uvicorn.Config(
        app,
        http=protocol(settings.limits),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=SLACK * settings.limits.connections,
        backlog=WAITING,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=settings.limits.header_bytes,
        ssl_context_factory=(lambda config, usual: tls) if tls else None,
    )


def bound(settings: Settings) -> socket.socket:
    """The socket that it listens at. Raises InputError for an address or port that cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        made = socket.create_server((settings.host, settings.port), family=family, backlog=WAITING)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        remedy = "choose another: --port, --host; or stop what uses it"
        raise InputError(f"an address that cannot be had ({error.strerror})", where=where, remedy=remedy) from error
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # those that it accepts inherit it: no answer waits 40 ms for an ACK
    return made


def require_safe(settings: Settings, insecure: bool) -> None:
    """Raises InputError when passwords and images would cross a network in clear."""
    if settings.tls is None and not insecure and not loopback(settings.host):
        remedy = "give --tls-cert and --tls-key; or --insecure-http behind a proxy that speaks TLS"
        raise InputError(f"HTTP without TLS on {settings.host}", where="gemel serve", remedy=remedy)


def loopback(host: str) -> bool:
    """Whether a host is this machine and no other can reach it."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
