"""multipart/related bodies, written piece by piece. RFC 2387; PS3.18 §8.6.1.2."""

import secrets
from collections.abc import Iterable, Iterator

from fastapi.responses import StreamingResponse

Part = tuple[str, bytes]
"""Content type and content."""


def related(kind: str, parts: Iterable[Part]) -> StreamingResponse:
    """The answer that holds the parts, each made when the one before has gone out."""
    boundary = secrets.token_hex(16)
    return StreamingResponse(_body(boundary, parts), media_type=f'multipart/related; type="{kind}"; boundary={boundary}')


def _body(boundary: str, parts: Iterable[Part]) -> Iterator[bytes]:
    for kind, content in parts:
        yield f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n".encode()
        yield content
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()
