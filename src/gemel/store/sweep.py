"""What a crash leaves behind: unfinished files, and artefacts of which no event speaks. Moved to quarantine, never deleted."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gemel.store import files
from gemel.store.artefacts import PACKED, Artefacts, quarantine, stored

try:
    import fcntl
except ImportError:  # not a POSIX system: files are reported, and never moved
    fcntl = None  # type: ignore[assignment]

HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Sweep:
    """Unfinished files and orphans found now, everything that lies in quarantine, and why nothing was moved when it was not."""

    temporary: tuple[Path, ...]
    orphans: tuple[Path, ...]
    quarantined: tuple[Path, ...]
    left_because: str = ""


def sweep(artefacts: Artefacts, users: int, bodies: Callable[[], Iterable[str]]) -> Sweep:
    """Finds leftovers, and moves them when no other store is open on the record and every artefact of this session has its event.

    An artefact is spoken of when its hash stands anywhere in an event: inputs, outputs, environment or payload.
    """
    waiting = artefacts.fresh - spoken(bodies())
    with _alone(users, sought=not waiting) as alone:
        sparing = spoken(bodies()) | artefacts.fresh  # read again: events of others may have come before we were alone
        temporary = tuple(path for path in sorted(artefacts.folder.glob(f"{files.TEMPORARY}*")) if path.name not in sparing)
        orphans = tuple(path for path in stored(artefacts) if path.name.removesuffix(PACKED) not in sparing)
        if alone:
            for path in (*temporary, *orphans):
                quarantine(artefacts, path)
    why = "" if alone or not (temporary or orphans) else _reason(bool(waiting))
    return Sweep(temporary, orphans, tuple(sorted((artefacts.folder / "quarantine").glob("*"))), why)


def spoken(bodies: Iterable[str]) -> set[str]:
    """Hashes that stand anywhere in the bodies."""
    return {name for body in bodies for name in HASH.findall(body)}


def _reason(waiting: bool) -> str:
    return "artefacts of this session wait for their event" if waiting else "another process has the store open"


def attend(artefacts: Artefacts) -> int:
    """The descriptor whose lock tells who uses the folder, until it is closed or the process dies (flock(2)); `sweep` takes the lock.

    Not taken here, so that of several processes that start at once after a crash, one is alone for a moment and can sweep.
    """
    path = artefacts.folder / ".users"
    with files.refusing(path):
        files.make_folder(artefacts.folder)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)


@contextmanager
def _alone(users: int, sought: bool) -> Iterator[bool]:
    """True while no other store uses the folder, if that is sought; others that open meanwhile wait."""
    if not (fcntl and sought):
        yield False
        return
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    except BlockingIOError:
        alone = False
    try:
        yield alone
    finally:
        fcntl.flock(users, fcntl.LOCK_SH)
