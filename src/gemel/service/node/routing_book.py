"""What the node remembers of its own work: series and what became of them, objects on their way out, work items. One SQLite file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from gemel.service.security.database import Database, open_database

WAITING, RUNNING, DONE, ASKED, GROWN, DEAD, LEFT = STATES = ("waiting", "running", "done", "asked", "grown", "dead", "left")
"""To be done (again), given to a job, done, a person's turn, the same since objects came after it was used, given up, not our business."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS routed (series TEXT PRIMARY KEY, study TEXT NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL,
  act TEXT NOT NULL, rule TEXT NOT NULL, twin TEXT NOT NULL, arguments TEXT NOT NULL, job TEXT NOT NULL, attempts INTEGER NOT NULL,
  due_s REAL NOT NULL, why TEXT NOT NULL, received_s REAL NOT NULL, objects INTEGER NOT NULL, modality TEXT NOT NULL,
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS routed_state ON routed (state, due_s);
CREATE TABLE IF NOT EXISTS outgoing (destination TEXT NOT NULL, uid TEXT NOT NULL, class TEXT NOT NULL, kind TEXT NOT NULL,
  digest TEXT NOT NULL, twin TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, due_s REAL NOT NULL, why TEXT NOT NULL,
  asked TEXT NOT NULL, queued_s REAL NOT NULL, PRIMARY KEY (destination, uid));
CREATE INDEX IF NOT EXISTS outgoing_state ON outgoing (state, due_s);
CREATE TABLE IF NOT EXISTS told (twin TEXT PRIMARY KEY, version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS workitem (uid TEXT PRIMARY KEY, state TEXT NOT NULL, lock TEXT NOT NULL, series TEXT NOT NULL,
  subject TEXT NOT NULL, changed_s REAL NOT NULL, says TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cursor (name TEXT PRIMARY KEY, value REAL NOT NULL);
"""


@dataclass(frozen=True)
class Routed:
    """One received series: what its rule wants done with it, how far that is, and why it is there."""

    series: str
    study: str
    digest: str
    state: str
    act: str = ""
    rule: str = ""
    twin: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    job: str = ""
    attempts: int = 0
    due_s: float = 0.0
    why: str = ""
    received_s: float = 0.0
    objects: int = 0
    modality: str = ""
    patient_id: str = ""
    issuer: str = ""


COLUMNS = tuple(one.name for one in fields(Routed))


def open_book(folder: Path) -> Database:
    """The node's book in the service's folder; made when there is none. Raises StoreError."""
    folder.mkdir(parents=True, exist_ok=True)
    return open_database(folder / "node.db", SCHEMA)


def keep(book: Database, routed: Routed) -> None:
    """Notes a series, in place of what was known of it."""
    with book.change() as connection:
        connection.execute(f"INSERT OR REPLACE INTO routed ({', '.join(COLUMNS)}) VALUES ({_marks(COLUMNS)})", _values(routed))


def known(book: Database, series: str) -> Routed | None:
    """What is known of a series."""
    found = _rows(book, "WHERE series = ?", (series,))
    return found[0] if found else None


def in_state(book: Database, state: str, before_s: float = float("inf")) -> list[Routed]:
    """Series of a state that are due by a time, the oldest first."""
    return _rows(book, "WHERE state = ? AND due_s <= ? ORDER BY received_s", (state, min(before_s, 1e300)))


def latest(book: Database, n: int = 200) -> list[Routed]:
    """The series that came last, the newest first."""
    return _rows(book, "ORDER BY received_s DESC LIMIT ?", (n,))


def cursor(book: Database, name: str) -> float:
    """A remembered number; 0 when there is none."""
    found = book.select("SELECT value FROM cursor WHERE name = ?", (name,))
    return float(found[0][0]) if found else 0.0


def move_cursor(book: Database, name: str, value: float) -> None:
    """Remembers a number."""
    with book.change() as connection:
        connection.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?)", (name, value))


def forget(book: Database, patient_id: str, issuer: str, twins: Sequence[str] = (), uids: Sequence[str] = ()) -> list[str]:
    """Removes what is known of a patient's series, his twins' results and his objects on their way out; goes with the archive's `erase`.

    Returns the names of files in the outbox that nobody waits for any more. `secure_delete` overwrites the rows, and the log is emptied.
    """
    with book.change() as connection:
        mine = "SELECT series FROM routed WHERE patient_id = ? AND issuer = ?"
        connection.execute(f"DELETE FROM workitem WHERE series IN ({mine})", (patient_id, issuer))
        connection.execute("DELETE FROM routed WHERE patient_id = ? AND issuer = ?", (patient_id, issuer))
        files = {
            digest for twin in twins for (digest,) in connection.execute("DELETE FROM outgoing WHERE twin = ? RETURNING digest", (twin,))
        }
        files |= {digest for uid in uids for (digest,) in connection.execute("DELETE FROM outgoing WHERE uid = ? RETURNING digest", (uid,))}
        connection.executemany("DELETE FROM told WHERE twin = ?", [(twin,) for twin in twins])
        kept = {digest for (digest,) in connection.execute("SELECT digest FROM outgoing")}
    book.select("PRAGMA wal_checkpoint(TRUNCATE)")
    return sorted(files - kept)


def _rows(book: Database, clause: str, values: Sequence[Any]) -> list[Routed]:
    found = book.select(f"SELECT {', '.join(COLUMNS)} FROM routed {clause}", values)
    return [_routed(dict(zip(COLUMNS, row, strict=True))) for row in found]


def _routed(row: dict[str, Any]) -> Routed:
    return Routed(**{**row, "arguments": json.loads(row["arguments"])})


def _values(routed: Routed) -> tuple[Any, ...]:
    return tuple(json.dumps(routed.arguments) if name == "arguments" else getattr(routed, name) for name in COLUMNS)


def _marks(columns: Sequence[str]) -> str:
    return ", ".join("?" * len(columns))
