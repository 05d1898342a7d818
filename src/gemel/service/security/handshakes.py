"""Handshakes of TLS: how many may be under way at a port, for how long, and with how little memory each.

A connection is a server's own only after its handshake: before that no limit of the server's sees it, and asyncio gives it 256 KiB.
"""

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

HELLO_BYTES, BUFFER_BYTES = 4096, 64 * 1024  # read at once: during the handshake, and after it
MOST = 1024


@dataclass
class Port:
    """A port that speaks TLS. `under_way`: handshakes with the address that each comes from, the oldest first."""

    context: ssl.SSLContext
    longest_s: float
    most: int = MOST
    under_way: "dict[Handshake, str]" = field(default_factory=dict)
    of: Counter[str] = field(default_factory=Counter)

    def speaking(self, make: Callable[[], asyncio.BaseProtocol]) -> "Callable[[], Handshake]":
        """A factory of protocols that speak TLS around those that `make` makes."""
        return lambda: Handshake(self, make())


class Handshake(SSLProtocol):
    """TLS around a protocol, which sees the connection when the handshake has ended well."""

    max_size = HELLO_BYTES
    line: asyncio.BaseTransport | None = None

    def __init__(self, port: Port, inner: asyncio.BaseProtocol) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(loop, inner, port.context, None, server_side=True, ssl_handshake_timeout=port.longest_s)  # type: ignore[arg-type]
        self.port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins the handshake; where too many are under way, the oldest of whoever has most of them is ended for it."""
        self.line = transport
        port, host = self.port, str((transport.get_extra_info("peername") or ("",))[0])
        if len(port.under_way) >= port.most:
            greatest = max(port.of, key=lambda one: port.of[one])
            oldest = next(one for one, whose in port.under_way.items() if whose == greatest)
            oldest.end()
        port.under_way[self] = host
        port.of[host] += 1
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Is no longer under way."""
        self._left()
        super().connection_lost(exc)

    def end(self) -> None:
        """Ends it at once."""
        self._left()
        if isinstance(self.line, asyncio.WriteTransport):
            self.line.abort()

    def _on_handshake_complete(self, handshake_exc: Any) -> None:
        self._left()
        self.max_size = BUFFER_BYTES  # type: ignore[misc]  # how asyncio names what it reads at once
        super()._on_handshake_complete(handshake_exc)

    def _left(self) -> None:
        host = self.port.under_way.pop(self, None)
        if host is not None:
            self.port.of[host] -= 1
            if not self.port.of[host]:
                del self.port.of[host]
