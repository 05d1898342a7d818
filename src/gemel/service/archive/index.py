"""The index: one SQLite file that follows the segments. It is read after everything acknowledged has been written to it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from threading import Event, Lock, Thread

from gemel.core.errors import StoreError
from gemel.service.archive.entry import Entry
from gemel.service.archive.writing import write

BEHIND_S = 0.25  # how far the file may be behind the segments
LONGEST = 2000  # entries that wait in memory, then the sender waits
_SCHEMA = resources.files("gemel.service.archive").joinpath("index.sql")


@dataclass
class Index:
    """An open index. pending: what is durable in the segments, and not yet in the file, by SOP Instance UID."""

    path: Path
    writer: sqlite3.Connection
    pending: list[Entry] = field(default_factory=list)
    turn: Lock = field(default_factory=Lock)
    news: Event = field(default_factory=Event)
    closing: Event = field(default_factory=Event)
    idle: list[sqlite3.Connection] = field(default_factory=list)
    follower: Thread | None = None


def open_index(path: Path) -> Index:
    """Opens the file, or makes it, and begins to follow. Raises StoreError for a damaged one: delete it, the segments give it again."""
    with _refusing(path):
        writer = _connect(path)
        writer.executescript(_SCHEMA.read_text(encoding="utf-8"))
    index = Index(path, writer)
    index.follower = Thread(target=_follow, args=(index,), name="archive index", daemon=True)
    index.follower.start()
    return index


def close(index: Index) -> None:
    """Writes what is pending and closes the file."""
    index.closing.set()
    index.news.set()
    if index.follower:
        index.follower.join()
    flush(index)
    for connection in [*index.idle, index.writer]:
        connection.close()
    index.idle.clear()


def add(index: Index, entries: Sequence[Entry]) -> None:
    """Entries that are durable in their segment; they are found from now on."""
    index.pending.extend(entries)
    index.news.set()
    if len(index.pending) > LONGEST:
        flush(index)


def flush(index: Index) -> None:
    """Writes what is pending. What fails stays pending."""
    if not index.pending:
        return
    with index.turn, _refusing(index.path):
        entries = index.pending[:]
        with changing(index.writer):
            write(index.writer, entries)
        del index.pending[: len(entries)]


@contextmanager
def changing(writer: sqlite3.Connection) -> Iterator[None]:
    """One transaction."""
    writer.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        writer.execute("ROLLBACK")
        raise
    writer.execute("COMMIT")


def select(index: Index, statement: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
    """Rows of a query over all that was acknowledged."""
    flush(index)
    return peek(index, statement, values)


def peek(index: Index, statement: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
    """Rows of a query over what is in the file."""
    with _refusing(index.path):
        connection = _idle(index)
        with closing(connection.execute(statement, values)) as cursor:
            rows = cursor.fetchall()
    index.idle.append(connection)
    return rows


def _idle(index: Index) -> sqlite3.Connection:
    """A connection that nobody uses; between a look and a grasp another thread may take the last."""
    try:
        return index.idle.pop()
    except IndexError:
        return _connect(index.path)


def _connect(path: Path) -> sqlite3.Connection:
    """Write-ahead log, not flushed at each commit: a power cut leaves it whole, a moment shorter (sqlite.org/pragma.html)."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.row_factory = sqlite3.Row
    for setting in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "secure_delete = ON",
        "cache_size = -8000",
        "wal_autocheckpoint = 4000",
        "case_sensitive_like = OFF",
    ):
        connection.execute(f"PRAGMA {setting}").close()
    return connection


def _follow(index: Index) -> None:
    while not index.closing.is_set():
        index.news.wait()
        index.news.clear()
        index.closing.wait(BEHIND_S)
        _try_flush(index)


def _try_flush(index: Index) -> None:
    """A failure is no loss: the entries stay pending, the next query tries again and says why."""
    try:
        flush(index)
    except StoreError:
        index.closing.wait(1.0)
        index.news.set()


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        remedy = (
            "free some space when the disk is full; delete a damaged index while the service is down: it is made again from the segments"
        )
        raise StoreError(f"the index of received objects: {error}", where=str(path), remedy=remedy) from error
