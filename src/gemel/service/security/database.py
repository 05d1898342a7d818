"""One small SQLite file of the service: opened, made from its statements, read and changed by any thread."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

from gemel.core.errors import StoreError

BUSY_S = 10.0


@dataclass(frozen=True)
class Database:
    """An open file. Every change is on the disk when its block ends (write-ahead log, synchronous FULL; sqlite.org/pragma.html)."""

    path: Path
    connection: sqlite3.Connection
    turn: RLock = field(default_factory=RLock)

    def select(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self.turn, refusing(self.path):
            return self.connection.execute(statement, values).fetchall()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One exclusive change, undone when the block raises."""
        with self.turn, refusing(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Closes the file."""
        with self.turn:
            self.connection.close()


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(str(error), where=path.name, remedy="check the disk and its space, and that one gemel alone uses it") from error


def open_database(path: Path, schema: str, *, create: bool = True) -> Database:
    """The file, made readable by its owner alone when there is none and it may be. Raises StoreError."""
    if not create and not path.is_file():
        raise StoreError(f"no {path.name}", where=str(path.parent), remedy="name the folder of a service that has run: --folder")
    with refusing(path):
        path.touch(mode=0o600, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; {schema}")
    return Database(path, connection)
