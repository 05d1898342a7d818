"""The jobs that were asked for, on the disk: one SQLite table beside the record.

Not `store.queue`: its tasks are named by what they compute, may be done twice and are tried again when a worker dies. A person's order
is none of these: it is carried out at most once, in the order of asking, and is lost in words rather than repeated unasked.
"""

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

from gemel.core.errors import StoreError
from gemel.service.jobs.job import Job

COLUMNS = ("id", "verb", "twin", "actor", "state", "what", "done", "total", "since", "ended", "error", "result")
KEPT = 1000
"""Jobs that are remembered after they ended, the newest."""
SCHEMA = """CREATE TABLE IF NOT EXISTS job (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, verb TEXT NOT NULL,
twin TEXT NOT NULL, actor TEXT NOT NULL, state TEXT NOT NULL, what TEXT NOT NULL, done INTEGER NOT NULL, total INTEGER NOT NULL,
since TEXT NOT NULL, ended TEXT NOT NULL, error TEXT NOT NULL, result TEXT NOT NULL, arguments TEXT NOT NULL)"""


@dataclass(frozen=True)
class Table:
    """An open table; threads take turns."""

    path: Path
    connection: sqlite3.Connection
    turn: RLock = field(default_factory=RLock)


def open_table(path: Path) -> Table:
    """The table, made where there is none. Raises StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON").close()
        connection.execute(SCHEMA)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"no table of jobs ({error})", where=str(path), remedy="make the folder writable, or name another") from error
    return Table(path, connection)


def insert(table: Table, job: Job, arguments: Mapping[str, Any]) -> None:
    """Keeps a new job, durably; those that ended long ago are forgotten."""
    values = (*_values(job), json.dumps(dict(arguments)))
    _execute(table, f"INSERT INTO job ({', '.join(COLUMNS)}, arguments) VALUES ({', '.join('?' * len(values))})", values)
    old = "DELETE FROM job WHERE state IN ('done', 'failed') AND number <= (SELECT max(number) FROM job) - ?"
    _execute(table, old, (KEPT,))


def update(table: Table, job: Job) -> None:
    """Keeps how far a job is; of one that is over, what it was told is forgotten: it may tell of a person."""
    setting = ", ".join(f"{name} = ?" for name in COLUMNS[1:]) + (", arguments = '{}'" if job.over else "")
    _execute(table, f"UPDATE job SET {setting} WHERE id = ?", (*_values(job)[1:], job.id))


def all_jobs(table: Table) -> list[Job]:
    """Every job, the newest first."""
    return [_job(row) for row in _execute(table, f"SELECT {', '.join(COLUMNS)} FROM job ORDER BY number DESC")]


def find(table: Table, job_id: str) -> Job | None:
    """One job; None when there is none."""
    found = _execute(table, f"SELECT {', '.join(COLUMNS)} FROM job WHERE id = ?", (job_id,))
    return _job(found[0]) if found else None


def waiting(table: Table) -> list[tuple[Job, dict[str, Any]]]:
    """Jobs that nobody has begun, with their arguments, in the order of asking."""
    found = _execute(table, f"SELECT {', '.join(COLUMNS)}, arguments FROM job WHERE state = 'waiting' ORDER BY number")
    return [(_job(row[:-1]), json.loads(row[-1])) for row in found]


def forget(table: Table, twins: Sequence[str], words: Sequence[str]) -> int:
    """Removes the jobs of some twins, and those that name any of some words, for good; how many. For a patient who is erased.

    A word within a longer one, or a number that is a part of a UID, names nobody: what waits for another patient stays.
    """
    named = [re.compile(rf"(?<![0-9A-Za-z])(?<![0-9]\.){re.escape(word)}(?![0-9A-Za-z])(?!\.[0-9])") for word in words]
    rows = _execute(table, "SELECT number, twin, what || ' ' || error || ' ' || result || ' ' || arguments FROM job")
    gone = [number for number, twin, said in rows if twin in twins or any(word.search(said) for word in named)]
    for number in gone:
        _execute(table, "DELETE FROM job WHERE number = ?", (number,))
    _execute(table, "PRAGMA wal_checkpoint(TRUNCATE)")
    return len(gone)


def close(table: Table) -> None:
    """Closes the file."""
    with table.turn:
        table.connection.close()


def _execute(table: Table, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    try:
        with table.turn, closing(table.connection.execute(statement, values)) as cursor:
            return cursor.fetchall()
    except sqlite3.Error as error:
        raise StoreError(
            f"jobs that cannot be kept ({error})", where=str(table.path), remedy="check the disk; nothing was begun"
        ) from error


def _values(job: Job) -> tuple[object, ...]:
    return tuple(json.dumps(job.result) if name == "result" else getattr(job, name) for name in COLUMNS)


def _job(row: Sequence[Any]) -> Job:
    held = dict(zip(COLUMNS, row, strict=True))
    return Job(**{**held, "result": json.loads(held["result"])})
