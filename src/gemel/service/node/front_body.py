"""The data set of a message on its way: in memory while there is room, in a nameless file beyond, never before its bytes are there."""

import mmap
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from gemel.service.node.front_limits import Limits


@dataclass
class Room:
    """What all messages on their way share. used: bytes of theirs in memory."""

    folder: Path
    limits: Limits
    used: int = 0


@dataclass
class Body:
    """Bytes that have come. failed: why they could not be kept; they are then counted and thrown away."""

    room: Room
    content: bytearray = field(default_factory=bytearray)
    file: IO[bytes] | None = None
    length: int = 0
    failed: str = ""
    hashed: Any = field(default_factory=sha256)  # while it comes, so that nobody waits for it at the end


def append(body: Body, piece: memoryview) -> None:
    """Keeps a copy of what came."""
    body.length += len(piece)
    if body.failed:
        return
    body.hashed.update(piece)
    if body.file is not None:
        _write(body, piece)
        return
    body.content += piece
    body.room.used += len(piece)
    if len(body.content) > _allowance(body.room):
        _spool(body)


def finish(body: Body) -> memoryview:
    """All that came; it stays until `drop`."""
    if body.file is None or body.failed:
        return memoryview(body.content)
    return memoryview(mmap.mmap(body.file.fileno(), body.length, access=mmap.ACCESS_READ))


def drop(body: Body) -> None:
    """Gives the room back; views that others hold stay valid until they let go."""
    body.room.used -= len(body.content)
    body.content = bytearray()
    if body.file is not None:
        body.file.close()
        body.file = None


def _allowance(room: Room) -> int:
    """Bytes that one message may hold in memory: few when much is held already."""
    return room.limits.spooled_bytes if room.used < room.limits.memory_bytes else 1 << 18


def _spool(body: Body) -> None:
    if shutil.disk_usage(body.room.folder).free < body.room.limits.free_bytes:
        _fail(body, "the disk is nearly full")
        return
    content = body.content
    body.content, body.room.used = bytearray(), body.room.used - len(content)
    body.file = tempfile.TemporaryFile(dir=body.room.folder, buffering=0)  # noqa: SIM115
    _write(body, memoryview(content))


def _write(body: Body, piece: memoryview) -> None:
    assert body.file is not None
    try:
        while piece:
            piece = piece[os.write(body.file.fileno(), piece) :]
    except OSError as error:
        _fail(body, error.strerror or str(error))


def _fail(body: Body, words: str) -> None:
    drop(body)
    body.failed = words
