"""Bytes that survive a power cut: temporary name, fsync, rename, fsync of the folder."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gemel.core.errors import StoreError

TEMPORARY = ".tmp-"  # every unfinished file begins so

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space and repeat; what was recorded before is intact",
    errno.EDQUOT: "the quota is used up: free some space and repeat; what was recorded before is intact",
    errno.EFBIG: "the file-size limit of this process is reached: raise it (ulimit -f) and repeat; what was recorded before is intact",
    errno.EROFS: "the disk is mounted read-only: mount it writable or copy the store elsewhere",
    errno.EACCES: "no permission: make the folder writable for this user or copy the store elsewhere",
    errno.ENOENT: "create the folder first, or correct the path",
}


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turns an OSError into a StoreError that names the file and what to do."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "check the disk, then repeat; what was recorded before is intact")
        raise StoreError(error.strerror or str(error), where=str(path), remedy=remedy) from error


def write_synced(path: Path, chunks: Iterable[bytes]) -> None:
    """Writes a new file and flushes it to the disk; a failure leaves no file."""
    with refusing(path):
        try:
            _write(path, chunks)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def publish(temporary: Path, target: Path) -> None:
    """Gives a whole, synced file its final name, durably; a failure leaves no file under the temporary name."""
    with refusing(target):
        try:
            make_folder(target.parent)
            os.replace(temporary, target)
            sync_folder(target.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    try:
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Creates a folder, and its parents, durably; its owner's alone."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)


def sync_file(path: Path) -> None:
    """Flushes a file that was written by others' code."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Flushes a folder's entries to the disk, where the system can (POSIX)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_chunks(path: Path, size: int = 1 << 20) -> Iterator[bytes]:
    """A file's bytes, piece by piece."""
    with refusing(path), path.open("rb") as stream:
        while chunk := stream.read(size):
            yield chunk
