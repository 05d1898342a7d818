"""What a client without manners does to the HTTP port. Each attack takes who is signed in and a size, and returns what came of it."""

import gzip
import json
import socket
import struct
import time
from collections.abc import Callable, Iterable

import httpx

from tests.hostile.abuse import BOUNDARY, HEADERS, body
from tests.hostile.build import file
from tests.hostile.crafted import fresh

Attack = Callable[[httpx.Client, int], str]
STOW = "/dicom-web/studies"
MULTIPART = f"Content-Type: {HEADERS['Content-Type']}\r\n"


def line_of(client: httpx.Client, timeout_s: float = 5.0) -> socket.socket:
    """A connection."""
    return socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout_s)


def head_of(client: httpx.Client, path: str, fields: str = "", method: str = "GET") -> bytes:
    """A request's head, signed in, without its empty line."""
    cookies = "; ".join(f"{key}={value}" for key, value in client.cookies.items())
    host = f"{client.base_url.host}:{client.base_url.port}"
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nX-CSRF: {client.headers['X-CSRF']}\r\nCookie: {cookies}\r\n{fields}".encode()


def told(line: socket.socket, *contents: bytes) -> str:
    """What is answered to bytes: a status, `closed` or `left open`."""
    answer = b""
    with line:
        try:
            for content in contents:
                line.sendall(content)
        except OSError:
            pass  # the answer may be there all the same
        try:
            answer = line.recv(65536)
        except TimeoutError:
            return "left open"
        except OSError:
            return "closed"
    return answer[9:12].decode() if answer.startswith(b"HTTP/1.1 ") else "closed"


def joined(ends: Iterable[str]) -> str:
    """The different ends."""
    return ", ".join(sorted(set(ends)))


def idle_connections(client: httpx.Client, size: int) -> str:
    """Many connections that say nothing."""
    lines = [line_of(client) for _ in range(10 * size)]
    answered = client.get("/healthz").status_code
    time.sleep(1.2)
    for line in lines:
        line.close()
    return f"{len(lines)} held, another answered {answered}"


def slow_heads(client: httpx.Client, size: int) -> str:
    """Heads of requests, a byte at a time."""
    return _dripped(client, size, b"", head_of(client, "/healthz"))


def slow_bodies(client: httpx.Client, size: int) -> str:
    """Bodies, a byte at a time."""
    head = head_of(client, STOW, f"{MULTIPART}Content-Length: 100000\r\n\r\n", "POST")
    return _dripped(client, min(size, 50), head, bytes(1000))


def _dripped(client: httpx.Client, size: int, begin: bytes, content: bytes) -> str:
    lines = [line_of(client) for _ in range(size)]
    for line in lines:
        line.sendall(begin)
    for byte in content[:40]:
        for line in lines:
            try:
                line.sendall(bytes((byte,)))
            except OSError:
                continue
        time.sleep(0.06)
    return joined(told(line) for line in lines)


def endless_streams(client: httpx.Client, size: int) -> str:
    """Chunks without end, to STOW and to the API."""
    ends = []
    for path, kind in ((STOW, MULTIPART), ("/api/twins", "Content-Type: application/json\r\n"), ("/api/session", "")):
        head = head_of(client, path, f"{kind}Transfer-Encoding: chunked\r\n\r\n", "POST")
        chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
        ends.append(told(line_of(client), head, *([chunk] * size)))
    return joined(ends)


def tiny_chunks(client: httpx.Client, size: int) -> str:
    """Chunks of one byte with extensions of 1 kB, without end."""
    chunk = b"1;" + b"x" * 1000 + b"\r\nx\r\n"
    head = head_of(client, STOW, f"{MULTIPART}Transfer-Encoding: chunked\r\n\r\n", "POST")
    return told(line_of(client), head, *([chunk * 100] * size))


def million_headers(client: httpx.Client, size: int) -> str:
    """A million headers, one of 100 MB, and lines that go on."""
    fields = b"".join(f"X-{n}: y\r\n".encode() for n in range(10_000))
    ends = [told(line_of(client), head_of(client, "/healthz"), *([fields] * size))]
    ends.append(told(line_of(client), head_of(client, "/healthz"), b"X: ", *([bytes(b"y" * (1 << 20))] * size)))
    ends.append(told(line_of(client), head_of(client, "/healthz"), b"X: y\r\n", *([b" z\r\n" * 10_000] * size)))
    return joined(ends)


def long_targets(client: httpx.Client, size: int) -> str:
    """Addresses of megabytes, a query of a million parameters, 30 kB of them."""
    long = b"GET /healthz?" + b"a=1&" * (2500 * size) + b" HTTP/1.1\r\n\r\n"
    within = [f"/dicom-web/studies?{'PatientID=*&' * 2000}", f"/dicom-web/studies?{'&' * 25000}", f"/healthz?{'a=b&' * 6000}"]
    return joined([told(line_of(client), long), *(told(line_of(client), head_of(client, path) + b"\r\n") for path in within)])


def cookies(client: httpx.Client, size: int) -> str:
    """Thousands of cookies, and cookies that are none."""
    fields = (f"Cookie: {'a=b; ' * 5000}\r\n", "Cookie: ;;;=;=;\r\n", "Cookie: " + '"' * 20_000 + "\r\n")
    return joined(told(line_of(client), head_of(client, "/api/session", field) + b"\r\n") for field in fields)


def ranges(client: httpx.Client, size: int) -> str:
    """Ranges without end, overlapping, backwards (CVE-2011-3192, CVE-2025-62727)."""
    asked = ("0-," * 5000, ",".join(f"{n}-" for n in range(4000)), "-" * 20_000, "9-0", f"0-{'9' * 5000}")
    paths = ("/", "/favicon.svg", "/dicom-web/studies")
    fields = [(path, f"Range: bytes={words}\r\nIf-Range: {'x' * 900}\r\n") for path in paths for words in asked]
    return joined(told(line_of(client), head_of(client, path, field) + b"\r\n") for path, field in fields)


def pipelined(client: httpx.Client, size: int) -> str:
    """Requests ahead of their answers, and a second one hidden in the body of the first."""
    good = head_of(client, "/healthz") + b"\r\n"
    with line_of(client) as line:
        line.sendall(good * 20)
        answers, until_s = b"", time.monotonic() + 3
        while answers.count(b"HTTP/1.1 200") < 20 and time.monotonic() < until_s and (got := line.recv(65536)):
            answers += got
    hidden = head_of(client, "/healthz", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", "POST") + b"0\r\n\r\n" + good
    return f"{answers.count(b'HTTP/1.1 200')} of 20 answered, hidden: {told(line_of(client), hidden)}"


def never_reads(client: httpx.Client, size: int) -> str:
    """Requests for the interface's description, pipelined, whose answers nobody reads."""
    lines = [line_of(client) for _ in range(min(size, 50))]
    for line in lines:
        line.settimeout(0.2)
        try:
            line.sendall((head_of(client, "/openapi.json") + b"\r\n") * 200)
        except OSError:
            continue
    answered = client.get("/healthz").status_code
    for line in lines:
        line.close()
    return f"another answered {answered}"


def bodies_that_never_come(client: httpx.Client, size: int) -> str:
    """10 GB announced, with and without Expect: 100-continue; a body announced and the sending half closed."""
    ends = []
    for length, more in ((10**10, ""), (10**10, "Expect: 100-continue\r\n"), (5000, "Expect: 200-ok\r\n")):
        head = head_of(client, STOW, f"{MULTIPART}{more}Content-Length: {length}\r\n\r\n", "POST")
        ends.append(told(line_of(client), head))
    line = line_of(client)
    line.sendall(head_of(client, STOW, f"{MULTIPART}Content-Length: 5000\r\n\r\n", "POST") + b"abc")
    line.shutdown(socket.SHUT_WR)
    return joined([*ends, told(line)])


def resets(client: httpx.Client, size: int) -> str:
    """Connections reset in the middle of a body."""
    head = head_of(client, STOW, f"{MULTIPART}Content-Length: 5000000\r\n\r\n", "POST")
    for _ in range(size):
        line = line_of(client)
        line.sendall(head + bytes(20_000))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()
    return "nothing kept"


def strange_requests(client: httpx.Client, size: int) -> str:
    """Other methods, other versions, another protocol, another host, no host, an address whole, upgrades."""
    lines = (
        b"TRACE / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET http://169.254.169.254/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"GET /\0/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /%00/%ff/..%2f..%2fetc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01" + bytes(200) + b"\r\n\r\n",
        b"A-ASSOCIATE" * 3000,
    )
    return joined(told(line_of(client), content) for content in lines)


def bombs(client: httpx.Client, size: int) -> str:
    """Bodies that would inflate to 1 GiB: as encoding of the body, of a part, of a JSON body; encodings in a row."""
    bomb = gzip.compress(bytes(8 << 20) * (size // 10 or 1), 1)
    part = body([bomb]).replace(b"application/dicom\r\n", b"application/dicom\r\nContent-Encoding: gzip\r\n", 1)
    ends = [client.post(STOW, content=bomb, headers={**HEADERS, "Content-Encoding": "gzip, gzip, br"}).status_code]
    ends.append(client.post(STOW, content=part, headers=HEADERS).status_code)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    ends.append(client.post("/api/twins", content=gzip.compress(b"[" * (4 << 20)), headers=headers).status_code)
    return joined(map(str, ends))


def parts_in_parts(client: httpx.Client, size: int) -> str:
    """A multipart in a multipart, a hundred deep; a hundred thousand parts of nothing; a boundary in every line."""
    inner = body([file(fresh())])
    for _ in range(size):
        inner = f"--{BOUNDARY}\r\nContent-Type: {HEADERS['Content-Type']}\r\n\r\n".encode() + inner + f"\r\n--{BOUNDARY}--\r\n".encode()
    many = f"--{BOUNDARY}\r\n\r\n\r\n".encode() * (1000 * size)
    near = f"--{BOUNDARY}".encode()[:-1] * (4000 * size)
    return joined(str(client.post(STOW, content=content, headers=HEADERS).status_code) for content in (inner, many, near))


def followers(client: httpx.Client, size: int) -> str:
    """Streams of events that are begun and left open."""
    lines = [line_of(client) for _ in range(2 * size)]
    for line in lines:
        line.sendall(head_of(client, "/api/events", "Accept: text/event-stream\r\n") + b"\r\n")
    answered = client.get("/healthz").status_code
    time.sleep(1.0)
    for line in lines:
        line.close()
    return f"another answered {answered}"


def guesses(client: httpx.Client, size: int) -> str:
    """Passwords that are guessed, many at once: each is 64 MiB of Argon2id when it is looked at."""
    lines = [line_of(client, 15.0) for _ in range(size)]
    words = json.dumps({"user": "root", "password": "x" * 50}).encode()
    for line in lines:
        fields = f"Content-Type: application/json\r\nContent-Length: {len(words)}\r\n\r\n"
        line.sendall(head_of(client, "/api/session", fields, "POST") + words)
    return joined(told(line) for line in lines)


ATTACKS: tuple[Attack, ...] = (
    idle_connections, slow_heads, slow_bodies, endless_streams, tiny_chunks, million_headers, long_targets, cookies, ranges, pipelined,
    never_reads, bodies_that_never_come, resets, strange_requests, bombs, parts_in_parts, followers, guesses,
)  # fmt: skip
