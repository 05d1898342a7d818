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
from gemel.service.node.receiving_memory import PIECE_BYTES, Slot, Slots, give, take


@dataclass
class Room:
    """What all messages on their way share. used: bytes of theirs in memory; slots: that memory, where another process is to read it."""

    folder: Path
    limits: Limits
    used: int = 0
    slots: Slots | None = None


@dataclass
class Body:
    """Bytes that have come. held: how many of them are in memory; failed: why they could not be kept, they are then counted and lost."""

    room: Room
    content: bytearray = field(default_factory=bytearray)
    slot: Slot | None = None
    file: IO[bytes] | None = None
    length: int = 0
    held: int = 0
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
    _hold(body, piece)
    if body.held > _allowance(body.room):
        _spool(body)


def finish(body: Body) -> memoryview:
    """All that came; it stays until `drop`."""
    if body.file is None or body.failed:
        return _memory(body)
    return memoryview(mmap.mmap(body.file.fileno(), body.length, access=mmap.ACCESS_READ))


def drop(body: Body) -> None:
    """Gives the room back; views that others hold of what is not shared stay valid until they let go."""
    body.room.used -= body.held
    body.content, body.held = bytearray(), 0
    if body.slot is not None and body.room.slots is not None:
        give(body.room.slots, body.slot)
        body.slot = None
    if body.file is not None:
        body.file.close()
        body.file = None


def _hold(body: Body, piece: memoryview) -> None:
    if body.room.slots is None:
        body.content += piece
    else:
        body.slot = body.slot or take(body.room.slots)
        body.slot.view[body.held : body.held + len(piece)] = piece
        body.slot.used = body.held + len(piece)
    body.held += len(piece)
    body.room.used += len(piece)


def _memory(body: Body) -> memoryview:
    return body.slot.view[: body.held] if body.slot is not None else memoryview(body.content)


def _allowance(room: Room) -> int:
    """Bytes that one message may hold in memory: few when much is held already."""
    most = room.limits.spooled_bytes if room.slots is None else min(room.limits.spooled_bytes, room.slots.size - PIECE_BYTES)
    return most if room.used < room.limits.memory_bytes else min(most, 1 << 18)


def _spool(body: Body) -> None:
    try:
        if shutil.disk_usage(body.room.folder).free < body.room.limits.free_bytes:
            _fail(body, "the disk is nearly full")
            return
        body.file = tempfile.TemporaryFile(dir=body.room.folder, buffering=0)  # noqa: SIM115
    except OSError as error:
        _fail(body, error.strerror or str(error))
        return
    _write(body, _memory(body))
    if not body.failed:
        file, body.file = body.file, None
        drop(body)
        body.file = file


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
