"""Objects on their way out: kept durably, sent until acknowledged, answered for by storage commitment, never sent twice."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from uuid import uuid4

from gemel.service.node.commitment import Reference, Report, worded_reason
from gemel.service.node.rules import Routing, wait_s
from gemel.service.security.database import Database
from gemel.store import files

WAITING, STORED, DONE, DEAD = STATES = ("waiting", "stored", "done", "dead")
"""To be sent, acknowledged but not yet answered for, safe there, given up."""


@dataclass(frozen=True)
class Outgoing:
    """One object for one destination. `digest`: SHA-256 of its file in the folder `outbox`; `asked`: the commitment's transaction."""

    destination: str
    uid: str
    sop_class: str
    kind: str
    digest: str
    twin: str
    state: str
    attempts: int = 0
    due_s: float = 0.0
    why: str = ""
    asked: str = ""
    queued_s: float = 0.0


@dataclass(frozen=True)
class Outbox:
    """The book and the folder of the files."""

    book: Database
    folder: Path

    def path(self, outgoing: Outgoing) -> Path:
        """Where an object's file lies: named by its content, never by the object."""
        return self.folder / f"{outgoing.digest}.dcm"


COLUMNS = tuple({"sop_class": "class"}.get(one.name, one.name) for one in fields(Outgoing))


def put(outbox: Outbox, content: bytes, named: Reference, destination: str, *, kind: str, twin: str, now_s: float) -> bool:
    """Puts an object out for a destination, durably; False when it was put out for it before: the same UID is the same object."""
    if outbox.book.select("SELECT 1 FROM outgoing WHERE destination = ? AND uid = ?", (destination, named.sop_instance_uid)):
        return False
    name = hashlib.sha256(content).hexdigest()
    outgoing = Outgoing(destination, named.sop_instance_uid, named.sop_class_uid, kind, name, twin, WAITING, due_s=now_s, queued_s=now_s)
    _write(outbox.path(outgoing), content)
    keep(outbox, outgoing)
    return True


def keep(outbox: Outbox, *outgoing: Outgoing) -> None:
    """Notes how objects stand, in place of how they stood."""
    rows = [tuple(getattr(one, field.name) for field in fields(Outgoing)) for one in outgoing]
    with outbox.book.change() as connection:
        marks = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"INSERT OR REPLACE INTO outgoing ({', '.join(COLUMNS)}) VALUES ({marks})", rows)


def due(outbox: Outbox, destination: str, state: str, now_s: float, n: int = 500) -> list[Outgoing]:
    """Objects of a state whose time has come, in the order in which they were put out."""
    clause = "WHERE destination = ? AND state = ? AND due_s <= ? ORDER BY queued_s LIMIT ?"
    return _rows(outbox, clause, (destination, state, now_s, n))


def latest(outbox: Outbox, n: int = 200) -> list[Outgoing]:
    """What was put out last, the newest first."""
    return _rows(outbox, "ORDER BY queued_s DESC LIMIT ?", (n,))


def counted(outbox: Outbox) -> Mapping[tuple[str, str], int]:
    """How many objects of each destination are in each state."""
    rows = outbox.book.select("SELECT destination, state, count(*) FROM outgoing GROUP BY destination, state")
    return {(destination, state): int(n) for destination, state, n in rows}


def answered(outbox: Outbox, report: Report, routing: Routing, now_s: float) -> int:
    """Takes a report of storage commitment, on whichever association it came: what is safe is done, what is not is sent again.

    How many objects it was about; 0 for a transaction that we did not ask for.
    """
    asked = {one.uid: one for one in _rows(outbox, "WHERE asked = ? AND state = ?", (report.transaction_uid, STORED))}
    about = [r.sop_instance_uid for r in report.committed]
    safe = [replace(asked[uid], state=DONE, why="") for uid in about if uid in asked]
    lost = [(asked[r.sop_instance_uid], status) for r, status in report.failed if r.sop_instance_uid in asked]
    keep(outbox, *safe, *(failed(routing, one, f"not committed: {worded_reason(status)}", now_s, WAITING) for one, status in lost))
    tidy(outbox, safe)
    return len(safe) + len(lost)


def again(outbox: Outbox, destination: str, now_s: float) -> int:
    """Everything that was given up for a destination is tried anew; how many objects that are."""
    dead = _rows(outbox, "WHERE destination = ? AND state = ?", (destination, DEAD))
    keep(outbox, *(replace(one, state=WAITING, attempts=0, due_s=now_s) for one in dead))
    return len(dead)


def tidy(outbox: Outbox, done: Sequence[Outgoing]) -> None:
    """Removes the files that no destination waits for any more."""
    for name in {one.digest for one in done}:
        if not outbox.book.select("SELECT 1 FROM outgoing WHERE digest = ? AND state <> ? LIMIT 1", (name, DONE)):
            (outbox.folder / f"{name}.dcm").unlink(missing_ok=True)


def failed(routing: Routing, one: Outgoing, why: str, now_s: float, state: str = "") -> Outgoing:
    """The object after an attempt that failed: in that state (its own unless stated) again later, or given up."""
    attempts = one.attempts + 1
    state = DEAD if attempts >= routing.attempts else state or one.state
    return replace(one, state=state, attempts=attempts, due_s=now_s + wait_s(routing, attempts), why=why, asked="")


def _write(path: Path, content: bytes) -> None:
    """The bytes under their name, whole and on the disk, or not at all."""
    if not path.is_file():
        part = path.with_name(files.TEMPORARY + uuid4().hex)
        files.make_folder(path.parent)
        files.write_synced(part, [content])
        files.publish(part, path)


def _rows(outbox: Outbox, clause: str, values: Sequence[object]) -> list[Outgoing]:
    return [Outgoing(*row) for row in outbox.book.select(f"SELECT {', '.join(COLUMNS)} FROM outgoing {clause}", values)]
