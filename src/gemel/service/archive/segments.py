"""Append-only files of frames: written, flushed once for many objects, never changed; space is reserved ahead."""

import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gemel.core.errors import StoreError
from gemel.service.archive.entry import Place
from gemel.store import files

SEGMENT_BYTES = 256 << 20  # a new file is begun beyond
RESERVE_BYTES = 32 << 20  # space is asked of the file system in such steps, so that a flush need not wait for it
COPY = ".tmp-"  # a segment rewritten by erasing, until the index names it
_PIECES = 512  # of one writev; POSIX promises at least 16, Linux 1024 (IOV_MAX)


@dataclass
class Segments:
    """The files of one folder and the one that is being written. Only one thread writes."""

    folder: Path
    number: int = 0
    end: int = 0
    reserved: int = 0
    descriptor: int = -1
    segment_bytes: int = SEGMENT_BYTES


def path(folder: Path, number: int) -> Path:
    """The file of a segment: its name says nothing of what is in it."""
    return folder / f"{number:08d}.segment"


def numbers(folder: Path) -> list[int]:
    """Segments that are there, oldest first."""
    return sorted(int(file.stem) for file in folder.glob("????????.segment"))


def append(segments: Segments, pieces: Sequence[bytes | memoryview]) -> None:
    """Writes pieces behind what is there and flushes them; when it fails nothing counts as written. Raises StoreError."""
    size = sum(map(len, pieces))
    with files.refusing(path(segments.folder, segments.number)):
        try:
            _reserve(segments, size)
            _write(segments, pieces)
            os.fdatasync(segments.descriptor)
        except OSError:
            _abandon(segments)
            raise
    segments.end += size


def ready(segments: Segments, size: int) -> None:
    """Begins a new file when there is none or `size` bytes more would be too many."""
    if segments.descriptor < 0 or (segments.end and segments.end + size > segments.segment_bytes):
        begin(segments)


def begin(segments: Segments) -> None:
    """A new, empty file, named durably."""
    seal(segments)
    number = segments.number + 1
    with files.refusing(path(segments.folder, number)):
        segments.descriptor = os.open(path(segments.folder, number), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        files.sync_folder(segments.folder)
    segments.number, segments.end, segments.reserved = number, 0, 0


def seal(segments: Segments) -> None:
    """Cuts the reserved space off and closes the file."""
    if segments.descriptor < 0:
        return
    with files.refusing(path(segments.folder, segments.number)):
        try:
            os.ftruncate(segments.descriptor, segments.end)
            os.fsync(segments.descriptor)
        finally:
            os.close(segments.descriptor)
            segments.descriptor = -1


def _abandon(segments: Segments) -> None:
    """A file of which a flush failed is not written again: what was not acknowledged is cut off, the next object begins another."""
    if segments.descriptor >= 0:
        try:
            os.ftruncate(segments.descriptor, segments.end)
        finally:
            os.close(segments.descriptor)
            segments.descriptor = -1


def _reserve(segments: Segments, size: int) -> None:
    wanted = segments.end + size
    if wanted <= segments.reserved:
        return
    step = min(RESERVE_BYTES, segments.segment_bytes)
    reserved = -(-wanted // step) * step
    os.posix_fallocate(segments.descriptor, segments.reserved, reserved - segments.reserved)
    segments.reserved = reserved


def _write(segments: Segments, pieces: Sequence[bytes | memoryview]) -> None:
    at, rest = segments.end, [memoryview(piece) for piece in pieces if len(piece)]
    while rest:
        written = os.pwritev(segments.descriptor, rest[:_PIECES], at)
        at += written
        while rest and written >= len(rest[0]):
            written -= len(rest.pop(0))
        if written:
            rest[0] = rest[0][written:]


def read(folder: Path, place: Place) -> bytes:
    """An object's bytes as a file. Raises StoreError when the segment is gone."""
    file = path(folder, place.segment)
    with files.refusing(file):
        descriptor = os.open(file, os.O_RDONLY)
        try:
            content = _read(descriptor, place.offset, place.end)
        finally:
            os.close(descriptor)
    if len(content) < place.end - place.offset:
        raise StoreError("a segment that ends too early", where=str(file), remedy="restore the file from a backup")
    return content


def _read(descriptor: int, begin: int, end: int) -> bytes:
    """One call reads no more than 2 GiB (read(2))."""
    pieces = [os.pread(descriptor, end - begin, begin)]
    while pieces[-1] and (got := sum(map(len, pieces))) < end - begin:
        pieces.append(os.pread(descriptor, end - begin - got, begin + got))
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


@contextmanager
def mapped(file: Path) -> Iterator[memoryview]:
    """A file's bytes without reading them all."""
    with files.refusing(file), file.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size == 0:
            yield memoryview(b"")
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
            yield view


def cut(file: Path, end: int) -> None:
    """Cuts what was being written when the process stopped."""
    with files.refusing(file):
        os.truncate(file, end)
        files.sync_file(file)


def write_copy(folder: Path, number: int, chunks: Iterable[bytes]) -> None:
    """A whole new segment under a temporary name."""
    files.write_synced(folder / f"{COPY}{number:08d}", chunks)
    files.sync_folder(folder)


def name_copy(folder: Path, number: int) -> None:
    """Gives a copy its name; one that has it already is left."""
    copy = folder / f"{COPY}{number:08d}"
    if copy.exists():
        files.publish(copy, path(folder, number))
