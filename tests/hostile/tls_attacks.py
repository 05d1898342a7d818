"""What a peer without manners does to a port that speaks TLS. Each attack takes the port and a size, and returns what came of it."""

import random
import resource
import socket
import struct
import subprocess
import time
from collections.abc import Callable

from tests.unit.service import node_wire as wire

Attack = Callable[[int, int], str]
SHAKE_S = 1.0  # of the limits that the attacked service is given


def _hello(version: bytes = b"\x03\x03", extensions: bytes = b"", suites: bytes = b"\x00\x2f") -> bytes:
    """A ClientHello (RFC 5246 section 7.4.1.2)."""
    body = (
        version + bytes(32) + b"\0" + struct.pack(">H", len(suites)) + suites + b"\x01\0" + struct.pack(">H", len(extensions)) + extensions
    )
    return b"\x16\x03\x01" + struct.pack(">H", len(body) + 4) + b"\x01" + len(body).to_bytes(3, "big") + body


def _plain(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10.0)


def _end(port: int, *contents: bytes) -> str:
    """Sends, reads until the other side has closed, and says so; an answer that is no alert and no handshake is told."""
    told = b""
    with _plain(port) as line:
        try:
            for content in contents:
                line.sendall(content)
            while got := line.recv(65536):
                told += got
        except TimeoutError:
            return "left open"
        except OSError:
            pass
    return "closed" if told[:1] in (b"", b"\x15", b"\x16") or told.startswith(b"HTTP/1.1 400") else f"answered {told[:16]!r}"


def _all(ends: list[str]) -> str:
    return ", ".join(sorted(set(ends)))


def clear_text(port: int, size: int) -> str:
    """Requests in clear at a port of TLS."""
    return _all([_end(port, content) for content in (wire.request(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 4096, b"A" * 4096)])


def unfinished_handshakes(port: int, size: int) -> str:
    """Many handshakes that are begun and not gone on with."""
    lines = [_plain(port) for _ in range(5 * size)]
    for line in lines:
        line.sendall(_hello())
    time.sleep(2.5 * SHAKE_S)
    ends = [_closed(line) for line in lines]
    return f"{sum(ends)} of {len(lines)} closed"


def _closed(line: socket.socket) -> bool:
    """Whether the other side has closed, whatever it said before."""
    line.settimeout(0.5)
    with line:
        try:
            while line.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
    return True


def silent_handshakes(port: int, size: int) -> str:
    """Many connections that never begin a handshake."""
    lines = [_plain(port) for _ in range(5 * size)]
    time.sleep(2.5 * SHAKE_S)
    return f"{sum(_closed(line) for line in lines)} of {len(lines)} closed"


def flood(port: int, size: int) -> str:
    """Thousands of handshakes that are begun at once, and not gone on with."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        lines = [_plain(port) for _ in range(40 * size)]
        for line in lines:
            line.sendall(_hello()[:20])
        time.sleep(2 * SHAKE_S)
        for line in lines:
            line.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return f"{len(lines)} begun"


def slow_hellos(port: int, size: int) -> str:
    """ClientHellos, a byte at a time."""
    lines = [_plain(port) for _ in range(size)]
    for byte in _hello()[:30]:
        for line in lines:
            try:
                line.sendall(bytes((byte,)))
            except OSError:
                continue
        time.sleep(0.1)
    return f"{sum(_closed(line) for line in lines)} of {len(lines)} closed"


def old_protocols(port: int, size: int) -> str:
    """SSL 3, TLS 1.0 and 1.1, no cipher, no cipher that is known."""
    hellos = [_hello(version) for version in (b"\x03\x00", b"\x03\x01", b"\x03\x02")] + [_hello(suites=b""), _hello(suites=b"\xff\xff")]
    return _all([_end(port, hello) for hello in hellos])


def broken_hellos(port: int, size: int) -> str:
    """ClientHellos with bytes changed at random, of lengths that are not true, with extensions of 16 kB."""
    draw, ends = random.Random(3), []
    for _ in range(size):
        hello = bytearray(_hello(extensions=bytes(64)))
        for _ in range(draw.randint(1, 6)):
            hello[draw.randrange(5, len(hello))] = draw.randrange(256)
        ends.append(_end(port, bytes(hello), bytes(9)))
    long = b"\xff\xff\x3f\x00" + bytes(0x3F00)
    return _all([*ends, _end(port, _hello(extensions=long)[:16389]), _end(port, b"\x16\x03\x01\xff\xff" + bytes(65535))])


def broken_records(port: int, size: int) -> str:
    """An association over TLS, and then records that were never encrypted."""
    ends = []
    for _ in range(min(size, 20)):
        line = wire.associated(port)
        raw = line.socket.detach()
        with socket.socket(fileno=raw) as plain:
            plain.settimeout(10)
            plain.sendall(b"\x17\x03\x03\x01\x00" + bytes(256))
            ends.append("closed" if _closed(plain) else "left open")
    return _all(ends)


def renegotiation(port: int, size: int) -> str:
    """A client of TLS 1.2 that asks for another handshake, again and again (CVE-2011-1473)."""
    return _openssl(port, "-tls1_2", "R\n", size)


def new_keys(port: int, size: int) -> str:
    """A client of TLS 1.3 that asks for new keys, again and again."""
    return _openssl(port, "-tls1_3", "K\n", size)


def _openssl(port: int, version: str, word: str, times: int) -> str:
    """What openssl's client (s_client's commands R and K) sees the port do."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", version]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, bufsize=0) as client:
        assert client.stdin is not None
        time.sleep(0.3)
        try:
            for _ in range(times):
                client.stdin.write(word.encode())
                time.sleep(0.01)
            client.wait(SHAKE_S * 12)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            pass
        ended = client.poll() is not None
        client.kill()
    return "closed" if ended else "left open"


def handshake_storm(port: int, size: int) -> str:
    """Handshakes one after the other, each left at once."""
    for _ in range(size):
        wire.connect(port).socket.close()
    return "closed"


def half_closed(port: int, size: int) -> str:
    """The sending half closed after the ClientHello, and reset after it."""
    for n in range(size):
        with _plain(port) as line:
            line.sendall(_hello())
            if n % 2:
                line.shutdown(socket.SHUT_WR)
            else:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return "closed"


ATTACKS: tuple[Attack, ...] = (
    clear_text,
    unfinished_handshakes,
    silent_handshakes,
    flood,
    slow_hellos,
    old_protocols,
    broken_hellos,
    broken_records,
    renegotiation,
    new_keys,
    handshake_storm,
    half_closed,
)
