"""How far the record is: followed event by event, so that no answer is older than the record and none is computed twice."""

import hashlib
from dataclasses import dataclass, field
from threading import Lock

from gemel.core.errors import UnknownError
from gemel.store import Store

Key = tuple[str, ...]


@dataclass
class Newest:
    """The last event that was looked at, the newest retraction or erasure among them, each twin's version, and the twins erased.

    `marks`: hash of each twin's newest event, the twin that changed last being the last; `seal`: of the newest withdrawal; `head`: of all.
    """

    store: Store
    sequence: int = 0
    withdrawn: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    marks: dict[str, str] = field(default_factory=dict)
    seal: str = ""
    head: str = ""
    turn: Lock = field(default_factory=Lock)


def looked(newest: Newest) -> Newest:
    """What happened since is taken in."""
    with newest.turn:
        for sequence, twin, version, kind, mark in newest.store.news(newest.sequence):
            newest.marks.pop(twin, None)
            newest.sequence, newest.versions[twin], newest.marks[twin], newest.head = sequence, version, mark, mark
            if kind in ("Retracted", "Erased"):
                newest.withdrawn, newest.seal = sequence, mark
            if kind == "Erased":
                newest.erased.add(twin)
    return newest


def version_of(newest: Newest, twin: str) -> int:
    """The newest version of a twin. Raises UnknownError."""
    found = looked(newest).versions.get(twin)
    if found is None:
        raise UnknownError(f"no twin {twin!r}"[:120], where="the record", remedy="list them: GET /api/twins")
    return found


def stamp(newest: Newest, twin: str) -> Key:
    """All that a view of a twin follows from: its version, and the newest withdrawal anywhere, for one in another twin may taint it.

    The last part seals both, so that a record which took the place of another is not taken for it. Raises UnknownError.
    """
    version_of(newest, twin)
    with newest.turn:
        version, sealed = newest.versions[twin], f"{newest.marks[twin]} {newest.seal}"
        return twin, str(version), str(newest.withdrawn), hashlib.sha256(sealed.encode()).hexdigest()[:16]
