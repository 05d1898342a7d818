"""Volumes on the disk as viewers fetch them: made once, named by what they hold, the longest unused thrown away when there are too many.

Answers about a twin (`kept`) lie in the folder of its volumes, and go with them.
"""

import hashlib
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 4 << 30
SUFFIX = ".nii.gz"


def place_of(folder: Path, twin: str, key: str) -> Path:
    """Where a twin's volume lies: in a folder of its own, so that a key is no way to another patient's images."""
    return folder_of(folder, twin) / f"{key}{SUFFIX}"


def folder_of(folder: Path, twin: str) -> Path:
    """The folder of a twin's volumes."""
    return folder / "cache" / "volumes" / hashlib.sha256(twin.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def used(path: Path) -> bool:
    """Whether the volume is there; it is then the one used last."""
    try:
        os.utime(path, (time.time(), path.stat().st_mtime))
    except OSError:
        return False
    return True


def swept(folder: Path, most_bytes: int = MOST_BYTES) -> int:
    """Bytes that were freed to keep the volumes and answers of all twins within a size."""
    found = [(path.stat(), path) for path in (folder / "cache" / "volumes").glob("*/[!.]*")]
    total = sum(held.st_size for held, _ in found)
    freed = 0
    for held, path in sorted(found, key=lambda one: one[0].st_atime):
        if total - freed <= most_bytes:
            break
        path.unlink(missing_ok=True)
        freed += held.st_size
    return freed


def forget(folder: Path, twin: str) -> None:
    """Deletes the volumes of a twin that was erased, and the answers about it."""
    with suppress(OSError):
        shutil.rmtree(folder_of(folder, twin))
