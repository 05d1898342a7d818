"""multipart/related bodies, read as they come and within bounds: no more of them is held than one part. RFC 2046 §5.1.1."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import HTTPException

LARGEST_PART_BYTES = 256 << 20
MOST_PARTS = 10_000
_HEADER_BYTES = 8192
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


@dataclass
class _Body:
    """What came and was not used yet, and where it comes from."""

    chunks: AsyncIterator[bytes]
    left_bytes: int
    held: bytearray
    ended: bool = False


async def parts_of(chunks: AsyncIterator[bytes], boundary: str, largest_bytes: int) -> AsyncIterator[tuple[str, bytearray]]:
    """Content type and content of each part, in order.

    Raises HTTPException 400 for a body that is not what its boundary says, 413 for one that is too large in any way.
    """
    if not _BOUNDARY.fullmatch(boundary):
        raise HTTPException(400, f"no usable boundary {boundary[:80]!r} in the Content-Type")
    body, mark = _Body(chunks, largest_bytes, bytearray(b"\r\n")), b"\r\n--" + boundary.encode("ascii")
    await _until(body, mark, _HEADER_BYTES, "the text before the first part")
    for _ in range(MOST_PARTS):
        if await _is_last(body):
            return
        header = await _until(body, b"\r\n\r\n", _HEADER_BYTES, "the header of a part")
        yield _content_type(header), await _until(body, mark, LARGEST_PART_BYTES, "a part")
    if not await _is_last(body):
        raise HTTPException(413, f"more than {MOST_PARTS} parts; send them in several requests")


async def _is_last(body: _Body) -> bool:
    """After a boundary: two dashes end the body, a line break begins a part."""
    while len(body.held) < 2 and not body.ended:
        await _more(body)
    ending = bytes(body.held[:2])
    if ending not in (b"--", b"\r\n"):
        raise HTTPException(400, "a multipart body whose boundary is not followed by a line")
    if ending == b"\r\n":  # stays: it may be the first half of the empty line after no headers
        return False
    async for chunk in body.chunks:  # what stands behind the last boundary is not for us, and has its limit too
        _count(body, chunk)
    return True


async def _until(body: _Body, mark: bytes, largest: int, what: str) -> bytearray:
    """All up to the mark, which is used up; what has been searched is moved out of the way and not searched again."""
    found = bytearray()
    while (at := body.held.find(mark)) < 0:
        safe = max(len(body.held) - len(mark) + 1, 0)
        found += memoryview(body.held)[:safe]
        del body.held[:safe]
        if len(found) > largest:
            raise HTTPException(413, f"{what} of more than {largest} bytes")
        if body.ended:
            raise HTTPException(400, f"a multipart body that ends within {what}: the transfer broke off, or the boundary is another")
        await _more(body)
    found += memoryview(body.held)[:at]
    del body.held[: at + len(mark)]
    if len(found) > largest:
        raise HTTPException(413, f"{what} of more than {largest} bytes")
    return found


async def _more(body: _Body) -> None:
    chunk = await anext(body.chunks, None)
    body.ended = chunk is None
    if chunk:
        _count(body, chunk)
        body.held += chunk


def _count(body: _Body, chunk: bytes) -> None:
    body.left_bytes -= len(chunk)
    if body.left_bytes < 0:
        raise HTTPException(413, "a body larger than this service takes; send fewer objects at once")


def _content_type(header: bytearray) -> str:
    for line in bytes(header).decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-type":
            return value.strip()
    return ""
