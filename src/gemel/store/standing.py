"""How the queues stand: counts, causes of failure, results."""

from collections.abc import Iterator
from dataclasses import dataclass

from gemel.core.errors import StoreError
from gemel.store.queue import DONE, FAILED, LEASED, STATES, WAITING, hash_of
from gemel.store.rows import Rows


@dataclass(frozen=True)
class Standing:
    """Tasks of a queue in each state, and the environment that its tasks were put by."""

    queue: str
    title: str
    environment: str
    waiting: int
    leased: int
    done: int
    failed: int

    @property
    def ended(self) -> int:
        """Tasks that nobody will work on again."""
        return self.done + self.failed

    @property
    def total(self) -> int:
        """All tasks."""
        return self.waiting + self.leased + self.ended


@dataclass(frozen=True)
class Kept:
    """A task's end as it is kept: its JSON and the artefact of its arrays, or what was wrong."""

    name: str
    result: str
    arrays: str
    seconds: float
    error: str


def standings(rows: Rows, queue: str = "") -> list[Standing]:
    """Each queue, or one, in order of its making."""
    of, values = ("WHERE name = ?", (queue,)) if queue else ("", ())
    found = rows.select(f"SELECT name, title, environment FROM queue {of} ORDER BY made_s, name", values)
    return [Standing(*row, *(counts(rows, row[0])[state] for state in STATES)) for row in found]


def counts(rows: Rows, queue: str) -> dict[str, int]:
    """Number of tasks in each state."""
    found = rows.select(f"SELECT state, count(*) FROM task WHERE queue = ? AND state IN {STATES} GROUP BY state", (queue,))
    return dict.fromkeys(STATES, 0) | {str(state): int(n) for state, n in found}


def is_open(rows: Rows, queue: str = "") -> bool:
    """True while a task waits or is being worked on."""
    return any(has(rows, queue, state) for state in (WAITING, LEASED))


def has(rows: Rows, queue: str, state: str) -> bool:
    """True when a task, of one queue or of any, is in that state."""
    of, values = ("AND queue = ?", (queue,)) if queue else ("", ())
    return bool(rows.select(f"SELECT 1 FROM task WHERE state = ? {of} LIMIT 1", (state, *values)))


def foreign(rows: Rows, queue: str, environment: str) -> list[str]:
    """JSON of the versions that waiting tasks were put by, when none of them is of this environment (a hash)."""
    of, values = ("AND t.queue = ?", (queue,)) if queue else ("", ())
    if rows.select(f"SELECT 1 FROM task t WHERE t.state = '{WAITING}' {of} AND t.environment = ? LIMIT 1", (*values, environment)):
        return []
    statement = f"SELECT DISTINCT q.environment FROM task t JOIN queue q ON q.name = t.queue WHERE t.state = '{WAITING}' {of}"
    return [str(text) for (text,) in rows.select(statement, values)]


def bodies_of(rows: Rows, queue: str) -> list[str]:
    """What each task of a queue computes, as JSON, in their order."""
    return [str(body) for (body,) in rows.select("SELECT body FROM task WHERE queue = ? ORDER BY number", (queue,))]


def failures(rows: Rows, queue: str) -> list[tuple[str, str]]:
    """Name and cause of the tasks that failed, in order."""
    return [
        (str(a), str(b))
        for a, b in rows.select(f"SELECT name, error FROM task WHERE state = '{FAILED}' AND queue = ? ORDER BY number", (queue,))
    ]


def ended(rows: Rows, queue: str) -> Iterator[Kept]:
    """Every task that ended, in order. Raises StoreError for a result that does not match its hash."""
    columns = "name, state, result, arrays, hash, seconds, error"
    found = rows.select(f"SELECT {columns} FROM task WHERE queue = ? AND state IN ('{DONE}', '{FAILED}') ORDER BY number", (queue,))
    for name, state, result, arrays, hash, seconds, error in found:
        if state == DONE and hash_of(result, arrays) != hash:
            raise StoreError(
                "a result that does not match its hash", where=f"task {name}", remedy="the database was altered: restore a copy"
            )
        yield Kept(name, result if state == DONE else "", arrays if state == DONE else "", seconds, error if state == FAILED else "")


def spoken(rows: Rows) -> list[str]:
    """Names of the artefacts that hold arrays of results."""
    return [str(name) for (name,) in rows.select("SELECT arrays FROM task WHERE arrays <> ''")]
