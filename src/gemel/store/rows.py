"""What the record asks of a database: turns, transactions, statements. SQLite and PostgreSQL give it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from threading import RLock
from typing import Any, Protocol, runtime_checkable

from gemel.core.errors import StoreError

Row = tuple[Any, ...]
TRIGGERS = frozenset({"event_keeps", "event_stays", "event_follows"})


@runtime_checkable
class Rows(Protocol):
    """An open database. Threads take turns; a forked process must open its own. Statements mark their values with `?`."""

    @property
    def place(self) -> str:
        """Where it is, as errors name it: never with a password."""
        ...

    @property
    def address(self) -> str:
        """With which another process opens the same database: it may hold a password."""
        ...

    @property
    def locking(self) -> str:
        """What a query ends with so that the rows it gives are this transaction's, and those of another's are passed over."""
        ...

    @property
    def turn(self) -> "RLock":
        """Held by the thread that works."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """One exclusive change, committed durably when the block ends and undone when it raises; within another it joins that one."""
        ...

    def change(self) -> AbstractContextManager[None]:
        """As `transaction`, for rows beside the chain: where the database locks single rows, writers of others do not wait."""
        ...

    def select(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Rows of a query."""
        ...

    def execute(self, statement: str, values: Sequence[object] = ()) -> int:
        """Number of rows that a statement changed; to be called within a transaction."""
        ...

    def damage(self) -> list[str]:
        """What the database's own checks find, and append-only triggers that are gone."""
        ...

    def forget(self) -> None:
        """Leaves no trace of deleted rows in the database's files, as far as the database can."""
        ...

    def close(self) -> None:
        """Closes the database; closing twice does nothing."""
        ...

    def closer(self) -> Callable[[], None]:
        """`close` as a function that does not keep this object alive."""
        ...


def missing_triggers(present: set[str]) -> list[str]:
    """A finding for each append-only trigger that is not among those present."""
    return [f"the append-only trigger {name} is missing" for name in sorted(TRIGGERS - present)]


def foreign(place: str) -> StoreError:
    """The error of a store used by a process that did not open it."""
    return StoreError("a store opened by another process", where=place, remedy="open it again in this process")
