"""What can be computed again, kept beside the record to save time: in no event, no export and no check, and thrown away at will."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from gemel.store.artefacts import Artefacts

KEPT = 4
"""Pieces kept of one twin: the newest."""


def keep(artefacts: Artefacts, twin: str, key: str, content: bytes) -> None:
    """Keeps bytes under a key, and of all that is kept of the twin the newest KEPT.

    A disk that refuses is no error: nothing rests on what is kept here.
    """
    folder = _folder(artefacts, twin)
    temporary = folder / f".{uuid4().hex}"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(_seal(content) + content)
            os.replace(temporary, folder / key)
        finally:
            temporary.unlink(missing_ok=True)
        for old in sorted(folder.iterdir(), key=_age)[KEPT:]:
            old.unlink(missing_ok=True)


def find(artefacts: Artefacts, twin: str, key: str) -> bytes | None:
    """The bytes kept under a key; None when there are none, or when they are torn or altered."""
    try:
        held = (_folder(artefacts, twin) / key).read_bytes()
    except OSError:
        return None
    content = held[hashlib.sha256().digest_size :]
    return content if held == _seal(content) + content else None


def forget(artefacts: Artefacts, twin: str) -> None:
    """Deletes all that is kept of a twin."""
    shutil.rmtree(_folder(artefacts, twin), ignore_errors=True)


def _folder(artefacts: Artefacts, twin: str) -> Path:
    return artefacts.folder / "derived" / hashlib.sha256(twin.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _seal(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _age(path: Path) -> float:
    with suppress(OSError):
        return -path.stat().st_mtime
    return 0.0
