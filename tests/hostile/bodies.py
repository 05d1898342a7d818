"""HTTP requests that lie about themselves: bodies of STOW, and raw bytes on the socket."""

import gzip
import io
import socket
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from tests.hostile.abuse import BOUNDARY, HEADERS, body
from tests.hostile.build import file
from tests.hostile.crafted import fresh

STOW = "/dicom-web/studies"
_PART = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
_END = f"\r\n--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True)
class Request:
    """One request: what it is, headers, body, the answer that it must get."""

    name: str
    headers: dict[str, str]
    content: bytes
    expected: tuple[int, ...]


def requests() -> Iterator[Request]:
    """Bodies of STOW that are not what they say."""
    good = file(fresh())
    bomb = gzip.compress(bytes(64 << 20))
    yield Request("a gzip bomb as body", {**HEADERS, "Content-Encoding": "gzip"}, bomb, (415,))
    yield Request("a gzip bomb as part", HEADERS, body([bomb]), (409,))
    yield Request("a zip bomb as part", HEADERS, body([_zip()]), (409,))
    yield Request("a boundary that never comes", HEADERS, b"x" * 100_000, (400, 413))
    yield Request("no boundary", {"Content-Type": "multipart/related"}, body([good]), (400,))
    yield Request("a boundary of 200 characters", {"Content-Type": f"multipart/related; boundary={'b' * 200}"}, body([good]), (400,))
    yield Request("a boundary with a line break", {"Content-Type": 'multipart/related; boundary="a\tb"'}, body([good]), (400,))
    yield Request("a body that ends in a part", HEADERS, body([good])[:-40], (400,))
    yield Request("a body that ends in a part's header", HEADERS, _PART[:-6], (400,))
    yield Request("a part's header of 1 MB", HEADERS, _PART[:-4] + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n" + good + _END, (413,))
    yield Request("20,000 empty parts", HEADERS, _PART + (b"\r\n" + _PART) * 20_000 + _END, (413,))
    yield Request("a part without a header", HEADERS, f"--{BOUNDARY}\r\n\r\n".encode() + file(fresh()) + _END, (200,))
    yield Request("lines that end in LF alone", HEADERS, body([good]).replace(b"\r\n", b"\n"), (400,))
    yield Request("a multipart within a part", HEADERS, body([body([good])]), (400, 409))
    yield Request("text behind the last boundary", HEADERS, body([file(fresh())]) + b"z" * 100_000, (200,))
    yield Request(
        "boundaries look-alike within the pixels", HEADERS, body([file(fresh()) + b""]).replace(b"\0" * 8, b"\r\n--gem\0", 3), (200, 409)
    )
    yield Request("no part", HEADERS, f"--{BOUNDARY}--\r\n".encode(), (400,))
    yield Request("nothing", HEADERS, b"", (400,))
    yield Request("a part that is a page", HEADERS, body([good]).replace(b"application/dicom\r", b"text/html\r"), (409,))
    yield Request("JSON", {"Content-Type": "application/dicom+json"}, b"[]", (415,))
    yield Request("a form", {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", (415,))
    yield Request("no kind of content", {}, good, (415,))


def _zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../pwned", bytes(32 << 20))
    return held.getvalue()


RAW: dict[str, tuple[bytes, tuple[int, ...]]] = {
    "Content-Length 10 GB": (b"Content-Length: 10000000000\r\n\r\n", (413,)),
    "Content-Length -1": (b"Content-Length: -1\r\n\r\n", (400,)),
    "Content-Length of 400 digits": (b"Content-Length: " + b"9" * 400 + b"\r\n\r\n", (400, 413)),
    "Content-Length twice": (b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello", (400,)),
    "a chunk of 2^72 bytes that never come": (b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", (400, 408, 413, -1)),
    "a chunk size that is none": (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", (400,)),
    "a length and chunks": (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400, 413)),
}


def raw(client: httpx.Client, name: str) -> int:
    """The status that a request of raw bytes is answered with; 0 when the connection is closed without one, -1 when nothing comes."""
    text, _ = RAW[name]
    url = client.base_url
    fields = [f"POST {STOW} HTTP/1.1", f"Host: {url.host}:{url.port}", *(f"{key}: {value}" for key, value in HEADERS.items())]
    fields += [f"X-CSRF: {client.headers['X-CSRF']}", "Cookie: " + "; ".join(f"{key}={value}" for key, value in client.cookies.items())]
    with socket.create_connection((url.host, url.port or 80), timeout=2) as connection:
        connection.sendall("\r\n".join(fields).encode() + b"\r\n" + text)
        try:
            answer = connection.recv(4096)
        except TimeoutError:
            return -1
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else 0
