"""The layer that answers only to its own names: a foreign one that resolves to this address is refused (DNS rebinding)."""

import re
import socket
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gemel.service.problems import problem
from gemel.service.settings import Settings

MISDIRECTED = 421
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]*)(:[0-9]{1,5})?")
HERE = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Hosts:
    """Around an application; `names` are lower case, without a port."""

    app: ASGIApp
    names: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and not called(Headers(scope=scope).getlist("host"), self.names):
            words = "add the name it is called by to `names` in the configuration file, or open it by one of its names"
            await problem(MISDIRECTED, "a host name that is not this service's", where="Host", remedy=words)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def names_of(settings: Settings) -> frozenset[str]:
    """The names it answers to: those stated, this machine's, and the address it listens at."""
    bracketed = f"[{settings.host}]" if ":" in settings.host else settings.host
    return frozenset(name.casefold() for name in (*settings.names, *HERE, bracketed, socket.gethostname()))


def called(hosts: list[str], names: frozenset[str]) -> bool:
    """Whether exactly one name is given, and it is one of ours; its port does not matter."""
    if len(hosts) != 1:
        return False
    found = HOST.fullmatch(hosts[0].casefold())
    return found is not None and found[1] in names
