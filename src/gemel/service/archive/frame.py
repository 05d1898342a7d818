"""One object in a segment: a head that tells lengths and hashes, what is known of it, the file's head, the data set.

Little endian: mark 8 bytes, segment 4, lengths of meta 4, prefix 4 and data 8, SHA-256 of the data 32, CRC-32 of meta and prefix 4,
CRC-32 of the head itself 4 (RFC 1952); then the three parts, then zeros to a multiple of 8 bytes. A frame that was cut short fails one of
the three sums.
"""

import hashlib
import zlib
from collections.abc import Iterator
from struct import Struct

from gemel.service.archive.entry import Entry, Place, from_json, to_json

MARK = b"gemel-f1"
HEAD = Struct("<8sIIIQ32sI")
SUM = Struct("<I")
HEAD_BYTES = HEAD.size + SUM.size
LARGEST_META_BYTES = 1 << 20


def encode(entry: Entry, segment: int, prefix: bytes, data: memoryview) -> list[bytes | memoryview]:
    """The frame's pieces, to be written one after the other."""
    meta = to_json(entry)
    crc = zlib.crc32(prefix, zlib.crc32(meta))
    head = HEAD.pack(MARK, segment, len(meta), len(prefix), len(data), entry.sha256, crc)
    return [head + SUM.pack(zlib.crc32(head)) + meta + prefix, data, bytes(-(HEAD_BYTES + len(meta) + len(prefix) + len(data)) % 8)]


def data_offset(pieces: list[bytes | memoryview], prefix: bytes) -> int:
    """How far into the frame the object's first byte lies."""
    return len(pieces[0]) - len(prefix)


def walk(content: memoryview, segment: int, start: int = 0) -> Iterator[Entry | int]:
    """Whole frames from `start` on, in order; for a stretch that is none, the offset where it begins, then what can be found behind it."""
    at = start
    while at < len(content):
        entry = read(content, segment, at)
        if entry is not None:
            yield entry
            at = _aligned(entry.place.end)
        else:
            following = seek(content, segment, at + 8)
            if following < len(content) or any(content[at : at + HEAD_BYTES]):
                yield at
            at = following


def read(content: memoryview, segment: int, at: int) -> Entry | None:
    """The frame at an offset, or None when there is none or it is not whole."""
    lengths = _head(content, segment, at)
    if lengths is None:
        return None
    meta, prefix, data, sha256, crc = lengths
    begin = at + HEAD_BYTES
    place = Place(segment, begin + meta, prefix, data)
    if place.end > len(content) or zlib.crc32(content[begin : place.offset + prefix]) != crc:
        return None
    if hashlib.sha256(content[place.offset + prefix : place.end]).digest() != sha256:
        return None
    return from_json(bytes(content[begin : begin + meta]), sha256, place)


def _head(content: memoryview, segment: int, at: int) -> tuple[int, int, int, bytes, int] | None:
    head = bytes(content[at : at + HEAD_BYTES])
    if len(head) < HEAD_BYTES or SUM.unpack_from(head, HEAD.size)[0] != zlib.crc32(head[: HEAD.size]):
        return None
    mark, number, meta, prefix, data, sha256, crc = HEAD.unpack_from(head)
    return (meta, prefix, data, sha256, crc) if mark == MARK and number == segment and meta <= LARGEST_META_BYTES else None


def seek(content: memoryview, segment: int, start: int) -> int:
    """The offset of the next head from `start` on, or the end."""
    step = 1 << 20
    for begin in range(start, len(content), step):
        block = bytes(content[begin : begin + step + len(MARK)])
        at = block.find(MARK)
        while at >= 0:
            if (begin + at) % 8 == 0 and _head(content, segment, begin + at) is not None:
                return begin + at
            at = block.find(MARK, at + 1)
    return len(content)


def _aligned(offset: int) -> int:
    return offset + -offset % 8
