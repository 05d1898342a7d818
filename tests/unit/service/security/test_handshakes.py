"""Handshakes of TLS that are not gone on with: few at a time, little memory each, and never a newcomer for their sake."""

import asyncio
import ssl
from pathlib import Path

import pytest

from gemel.service.security.handshakes import BUFFER_BYTES, HELLO_BYTES, Handshake, Port
from gemel.service.security.tls import context
from gemel.service.settings import Settings
from tests.hostile.papers import papers

MOST = 8


class Shouting(asyncio.Protocol):
    """Answers in capitals."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.upper())


async def asked(address: tuple[str, int], trusting: ssl.SSLContext, words: bytes) -> bytes:
    """What is answered over TLS."""
    reader, writer = await asyncio.open_connection(*address, ssl=trusting, server_hostname="127.0.0.1")
    writer.write(words)
    answer = await reader.readexactly(len(words))
    writer.close()
    await writer.wait_closed()
    return answer


async def besieged(folder: Path, silent: int, *, wait_s: float = 0.0) -> tuple[Port, list[int], bytes, int]:
    """The port after many connected and said nothing: how many were under way, with what buffers, what a real caller got, who was left."""
    made = papers(folder)
    tls = context(Settings(store="", folder=folder, tls=made))
    assert tls is not None
    port = Port(tls, longest_s=0.3, most=MOST)
    server = await asyncio.get_running_loop().create_server(port.speaking(Shouting), "127.0.0.1", 0)
    address = server.sockets[0].getsockname()[:2]
    lines = [await asyncio.open_connection(*address) for _ in range(silent)]
    await asyncio.sleep(0.05)
    seen = [len(port.under_way), *(len(one.get_buffer(-1)) for one in port.under_way)]
    answer = await asked(address, ssl.create_default_context(cafile=str(made.certificate)), b"hear " * 30_000)
    await asyncio.sleep(wait_s)
    left = len(port.under_way)
    for _, writer in lines:
        writer.close()
    server.close()
    await server.wait_closed()
    return port, seen, answer, left


def test_few_are_under_way_and_a_newcomer_comes_through(tmp_path: Path) -> None:
    port, seen, answer, _ = asyncio.run(besieged(tmp_path, 5 * MOST))
    assert seen == [MOST, *[HELLO_BYTES] * MOST]
    assert answer == b"HEAR " * 30_000
    assert sum(port.of.values()) == len(port.under_way)


def test_their_time_runs_out(tmp_path: Path) -> None:
    port, seen, _, left = asyncio.run(besieged(tmp_path, MOST // 2, wait_s=0.6))
    assert (seen[0], left, sum(port.of.values())) == (MOST // 2, 0, 0)


def test_more_is_read_at_once_after_the_handshake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, sizes = papers(tmp_path), list[int]()
    tls = context(Settings(store="", folder=tmp_path, tls=made))
    assert tls is not None
    lost = Handshake.connection_lost
    monkeypatch.setattr(Handshake, "connection_lost", lambda self, exc: (sizes.append(self.max_size), lost(self, exc))[1])

    async def once() -> None:
        port = Port(tls, longest_s=2.0)
        server = await asyncio.get_running_loop().create_server(port.speaking(Shouting), "127.0.0.1", 0)
        await asked(server.sockets[0].getsockname()[:2], ssl.create_default_context(cafile=str(made.certificate)), b"hear")
        assert not port.under_way
        await asyncio.sleep(0.05)
        server.close()
        await server.wait_closed()

    asyncio.run(once())
    assert sizes == [BUFFER_BYTES]
