"""The audit log: append-only, each row sealed by the one before it; many rows share one flush to the disk.

A reader's response waits for its row (`Audit.write`), so that what was not written down does not leave. One thread writes whatever has
come since its last flush in one transaction (group commit: DeWitt et al. 1984, SIGMOD Record 14(2):1, §5.1).
"""

import hashlib
import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path

from gemel.core.errors import GemelError, StoreError
from gemel.core.time import DAY_S
from gemel.service.security.database import Database, open_database

GENESIS = "0" * 64
MOST_IN_A_FLUSH = 1000
STOP = None
LOG = logging.getLogger("gemel.audit")
LONGEST_s = 30.0


@dataclass(frozen=True)
class Entry:
    """Who did, or tried, what: `subjects` are pseudonymous keys, `place` a path without its query, `outcome` an HTTP status or a word."""

    user: str
    action: str
    outcome: str
    subjects: tuple[str, ...] = ()
    purpose: str = ""
    by: str = ""
    peer: str = ""
    place: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Audit:
    """The open log and its one writer."""

    database: Database
    clock: Callable[[], float]
    waiting: "queue.SimpleQueue[tuple[str, Future[int]] | None]" = field(default_factory=queue.SimpleQueue)
    ended: threading.Event = field(default_factory=threading.Event)

    def write(self, entry: Entry) -> "Future[int]":
        """The row's number, once it is on the disk; StoreError when it could not be written."""
        promised: Future[int] = Future()
        if self.ended.is_set():
            promised.set_exception(StoreError("an audit log that is closed", where="audit.db", remedy="start the service again"))
            return promised
        self.waiting.put((sealed(entry, self.clock()), promised))
        return promised

    def now(self, entry: Entry) -> int:
        """As `write`, waiting for it; StoreError too when it takes so long that its sender gives up."""
        try:
            return self.write(entry).result(timeout=LONGEST_s)
        except TimeoutError as error:
            raise StoreError("an audit log that does not answer", where="audit.db", remedy="check its disk") from error

    def head(self) -> tuple[int, str]:
        """Number and hash of the newest row: kept elsewhere, it tells later whether all rows up to it are still there."""
        return last(self.database)

    def close(self) -> None:
        """Writes what waits, and closes the file."""
        self.waiting.put(STOP)
        self.ended.wait(LONGEST_s)


def open_audit(folder: Path, clock: Callable[[], float] = time.time) -> Audit:
    """The log in the service's folder, made when there is none. Raises StoreError."""
    schema = resources.files("gemel.service.security").joinpath("audit.sql").read_text()
    held = Audit(open_database(folder / "audit.db", schema), clock)
    threading.Thread(target=_write_all, args=(held,), name="audit", daemon=True).start()
    return held


def publish(held: Audit) -> float:
    """Tells the service's log the head, at the start, at the end and once a day: who keeps that log elsewhere keeps the anchor. When, s."""
    try:
        LOG.info("audit head %d:%s", *held.head())
    except StoreError as error:  # the writer lives on: without it everybody would wait
        LOG.error("%s", error)
    return held.clock()


def sealed(entry: Entry, at_s: float) -> str:
    """The row's text, which its hash covers."""
    return json.dumps({"at_s": round(at_s, 3), **asdict(entry)}, sort_keys=True, separators=(",", ":"))


def hashed(previous: str, body: str) -> str:
    """The hash of a row: SHA-256 of the one before and its own text."""
    return hashlib.sha256(f"{previous}{body}".encode()).hexdigest()


def last(database: Database) -> tuple[int, str]:
    """Number and hash of the newest row."""
    found = database.select("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
    return (int(found[0][0]), str(found[0][1])) if found else (0, GENESIS)


def _write_all(held: Audit) -> None:
    """The writer: takes all that waits, flushes it at once, and tells those who wait; ends with the service."""
    going, published_s = True, publish(held)
    while going:
        batch = [held.waiting.get()]
        while not held.waiting.empty() and len(batch) < MOST_IN_A_FLUSH:
            batch.append(held.waiting.get())
        rows = [item for item in batch if item is not STOP]
        going = len(rows) == len(batch)
        if rows:
            _write(held.database, rows)
        if not going or held.clock() - published_s > DAY_S:
            published_s = publish(held)
    held.database.close()
    held.ended.set()


def _write(database: Database, rows: "list[tuple[str, Future[int]]]") -> None:
    try:
        first = _insert(database, [body for body, _ in rows])
    except (GemelError, ValueError, MemoryError) as error:  # whatever is wrong with a row: who waits for it is told, and the writer lives
        remedy = error.remedy if isinstance(error, GemelError) else "look at the service's log"
        for _, promised in rows:
            if promised.set_running_or_notify_cancel():
                promised.set_exception(StoreError("an audit row that could not be written", where="audit.db", remedy=remedy))
        return
    for number, (_, promised) in enumerate(rows, first):
        if promised.set_running_or_notify_cancel():  # who asked may be gone; the row stays
            promised.set_result(number)


def _insert(database: Database, bodies: list[str]) -> int:
    """Appends rows to the chain, whoever wrote to it before; the number of the first."""
    with database.change() as connection:
        number, previous = last(database)
        for sequence, body in enumerate(bodies, number + 1):
            previous = hashed(previous, body)
            connection.execute("INSERT INTO audit VALUES (?, ?, ?)", (sequence, body, previous))
    return number + 1
