"""The record's rows in one SQLite file: write-ahead log, every commit flushed, one transaction a change."""

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from threading import RLock

from gemel.core.errors import ConflictError, StoreError
from gemel.store import files
from gemel.store.rows import Row, foreign, missing_triggers
from gemel.store.stated import require_values

SCHEMA = 3  # 1 had neither persons nor objects, 2 no tasks; the tables are added when such a record is opened
LEAST_bytes = 512  # of a page (sqlite.org/fileformat2.html §1.2)
APPLICATION = 0x67656D6C  # "geml" in the file's header: PRAGMA application_id (sqlite.org/pragma.html)

_REMEDIES = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space and repeat; what was committed before is intact",
    sqlite3.SQLITE_IOERR: "the disk refused, often because it is full: check it and repeat; what was committed before is intact",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable for this user, or copy the store elsewhere",
    sqlite3.SQLITE_CANTOPEN: "make the folder exist and writable for this user, or copy the store elsewhere",
    sqlite3.SQLITE_NOTADB: "name a file made by gemel.store.open, or a new one",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: restore a copy; verify() tells whether a copy is whole",
}


@dataclass(frozen=True)
class SqliteRows:
    """An open database file."""

    path: Path
    connection: sqlite3.Connection
    turn: RLock = field(default_factory=RLock)
    pid: int = field(default_factory=os.getpid)

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    @property
    def address(self) -> str:
        """The file, wherever the other process works."""
        return str(self.path.absolute())

    @property
    def locking(self) -> str:
        """Nothing: one process writes at a time."""
        return ""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One exclusive change."""
        with transaction(self):
            yield

    @contextmanager
    def change(self) -> Iterator[None]:
        """One exclusive change."""
        with transaction(self):
            yield

    def select(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Rows of a query."""
        _require_owner(self)
        with self.turn, refusing(self.path):
            return self.connection.execute(statement, require_values(values)).fetchall()

    def execute(self, statement: str, values: Sequence[object] = ()) -> int:
        """Number of rows that a statement changed."""
        with self.turn, refusing(self.path):
            return self.connection.execute(statement, require_values(values)).rowcount

    def damage(self) -> list[str]:
        """What SQLite's own check of pages and indexes finds, and append-only triggers that are gone."""
        found = [str(line) for (line,) in self.select("PRAGMA integrity_check") if line != "ok"]
        return found + missing_triggers({name for (name,) in self.select("SELECT name FROM sqlite_master WHERE type = 'trigger'")})

    def forget(self) -> None:
        """Empties the write-ahead log; `secure_delete` has overwritten the deleted rows with zeros."""
        self.select("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Closes the file."""
        self.connection.close()

    def closer(self) -> Callable[[], None]:
        """Closes the file."""
        return self.connection.close


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into StoreError, or ConflictError when another process holds the file."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        raise StoreError(str(error), where=str(path), remedy="open the store again") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary result code (sqlite.org/rescode.html)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise ConflictError("another process is writing", where=str(path), remedy="repeat when it has finished") from error
        raise StoreError(str(error), where=str(path), remedy=_REMEDIES.get(code, "what was committed before is intact")) from error


def connect(path: Path, busy_s: float, create: bool) -> SqliteRows:
    """Opens, or creates, a record. Raises StoreError for anything that is not one, or is of a newer schema."""
    with files.refusing(path):
        _require_possible(path, create)
        if create and not path.exists():
            path.touch(mode=0o600)  # a record tells of persons: it is its owner's alone unless he says otherwise
    mode = "rwc" if create else "rw"
    with refusing(path):
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        with refusing(path):
            _prepare(path, connection)
    except BaseException:
        connection.close()
        raise
    return SqliteRows(path, connection)


def _require_possible(path: Path, create: bool) -> None:
    """Raises StoreError where no record is and none may be made. SQLite would write over a file shorter than its least page."""
    if path.is_dir():
        raise StoreError("no record: a folder", where=str(path), remedy=f"name the record's file, such as {path / 'twins.db'}")
    if path.is_file():
        if 0 < path.stat().st_size < LEAST_bytes:
            raise StoreError("a file that is not a gemel record", where=str(path), remedy=_REMEDIES[sqlite3.SQLITE_NOTADB])
    elif not path.parent.is_dir():
        raise StoreError("no record", where=str(path), remedy="create the folder first, or correct the path")
    elif not create:
        raise StoreError("no record", where=str(path), remedy="correct the path: --store, or GEMEL_STORE; or make a twin there first")


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    """Settles schema and durability: WAL with synchronous FULL flushes each commit before it is acknowledged (sqlite.org/pragma.html)."""
    new = _is_new(path, connection)
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StoreError(f"journal mode {mode!r}", where=str(path), remedy="put the store on a local disk: write-ahead logging needs one")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA secure_delete = ON")
    if new:
        _create(path, connection)
        with files.refusing(path):
            files.sync_folder(path.parent)
    connection.execute("BEGIN IMMEDIATE")  # a file or folder that cannot be written is refused here
    connection.execute("ROLLBACK")


def _is_new(path: Path, connection: sqlite3.Connection) -> bool:
    application, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION and (tables or application or version):
        raise StoreError("a database that is not a gemel record", where=str(path), remedy=_REMEDIES[sqlite3.SQLITE_NOTADB])
    if version > SCHEMA:
        raise StoreError(f"a record of schema {version}", where=str(path), remedy=f"this gemel reads schema {SCHEMA}: install a newer one")
    return not tables or version < SCHEMA


def _create(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_new(path, connection):  # another process may have been first
            for statement in _statements():
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements() -> list[str]:
    text = re.sub(r"--.*", "", resources.files("gemel.store").joinpath("schema.sql").read_text())
    return [part.strip() for part in re.split(r";\s*\n(?=CREATE|\s*$)", text) if part.strip()]


@contextmanager
def transaction(rows: SqliteRows) -> Iterator[None]:
    """One exclusive change, committed durably when the block ends and undone when it raises; within another it joins that one."""
    _require_owner(rows)
    with rows.turn, refusing(rows.path):
        if rows.connection.in_transaction:
            yield
            return
        rows.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            rows.connection.execute("COMMIT")
        except BaseException:
            if rows.connection.in_transaction:
                rows.connection.execute("ROLLBACK")
            raise


def _require_owner(rows: SqliteRows) -> None:
    if os.getpid() != rows.pid:
        raise foreign(rows.place)
