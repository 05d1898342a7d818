"""A durable queue of named tasks beside the chain: put, lease, heartbeat, finish. Short changes that any number of workers may make."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gemel.store.event import canonical
from gemel.store.process import Process, is_dead, this_process
from gemel.store.rows import Rows

WAITING, LEASED, DONE, FAILED = STATES = ("waiting", "leased", "done", "failed")
MOST_ATTEMPTS = 3  # times that a task may raise
MOST_DEATHS = 10  # workers that may end while they hold it: with three of ten killed, 0.3¹⁰ = 6·10⁻⁶ of the tasks fail without fault
TWICE = "not deterministic"
NEW = (WAITING, "", "", "", 0.0)


@dataclass(frozen=True)
class Claim:
    """By whom, from which queue (any, when empty), of which code and for how many seconds tasks are leased."""

    worker: str
    queue: str
    environment: str
    seconds: float = 60.0


@dataclass(frozen=True)
class Leased:
    """A task in a worker's hands: its name, its queue, and what to compute as JSON."""

    name: str
    queue: str
    body: str


@dataclass(frozen=True)
class Finished:
    """How a task ended: its result as canonical JSON and the artefact of its arrays, if any; or what was wrong with it in `error`."""

    task: Leased
    seconds: float
    result: str = ""
    arrays: str = ""
    error: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 of the result."""
        return hash_of(self.result, self.arrays)


def hash_of(result: str, arrays: str) -> str:
    """SHA-256 of a result's JSON and of the name of its arrays, which is itself their hash."""
    return hashlib.sha256(f"{arrays}\n{result}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Queue:
    """A name, what it is in words, the JSON of the versions its tasks were put by, and when it was made."""

    name: str
    title: str
    environment: str
    made_s: float


def open_queue(rows: Rows, queue: Queue) -> None:
    """Makes a queue, or makes it again: a cohort that goes on keeps its tasks."""
    with rows.change():
        rows.execute(
            "INSERT INTO queue VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
            (queue.name, queue.title, queue.environment, queue.made_s),
        )


def put(rows: Rows, queue: str, bodies: Mapping[str, str], environment: str) -> None:
    """Puts tasks, name → what to compute, in order. What is there stays; what failed gets new attempts; what another queue did is done.

    A task that was found not deterministic stays failed.
    """
    again = (
        f"UPDATE task SET state = '{WAITING}', attempts = 0, deaths = 0, error = '' WHERE queue = ? AND state = '{FAILED}' AND hash = ''"
    )
    with rows.change():
        rows.execute(again, (queue,))
        held = {name for (name,) in rows.select(f"SELECT name FROM task WHERE queue = ? AND state IN {STATES}", (queue,))}
        elsewhere = bool(rows.select("SELECT 1 FROM task WHERE queue <> ? LIMIT 1", (queue,)))
        for number, (name, body) in enumerate(bodies.items()):
            if name not in held:
                state, *result = _done_elsewhere(rows, name) if elsewhere else NEW
                rows.execute(
                    "INSERT INTO task VALUES (?, ?, ?, ?, ?, ?, '', 0, 0, 0, '', ?, ?, ?, ?) ON CONFLICT (name, queue) DO NOTHING",
                    (name, queue, number, environment, body, state, *result),
                )


def _done_elsewhere(rows: Rows, name: str) -> tuple[object, ...]:
    """State, result, arrays, hash and seconds of a task that is new in a queue."""
    found = rows.select(f"SELECT result, arrays, hash, seconds FROM task WHERE name = ? AND state = '{DONE}' LIMIT 1", (name,))
    return (DONE, *found[0]) if found else NEW


def worker_name(process: Process | None = None) -> str:
    """The text by which leases name this process, from which others can tell whether it is dead."""
    p = process or this_process()
    return canonical([p.host, p.boot, p.pid, p.started])


def lease(rows: Rows, claim: Claim, n: int, now_s: float) -> list[Leased]:
    """Up to n waiting tasks in their order, now the worker's until `now_s` + seconds; first those whose lease ran out are taken back.

    A task in whose company a worker ended is leased alone from then on, so that it takes no other with it.
    """
    with rows.change():
        _expire(rows, claim.queue, now_s)
        of, values = _of(claim.queue)
        found = rows.select(
            f"SELECT name, queue, body, deaths FROM task WHERE state = '{WAITING}' {of} AND environment = ? ORDER BY queue, number LIMIT ? "
            f"{rows.locking}",
            (*values, claim.environment, n),
        )
        first_lost = next((i for i, row in enumerate(found) if row[3]), len(found))
        taken = [Leased(*row[:3]) for row in found[: max(first_lost, 1)]]
        for task in taken:
            rows.execute(
                f"UPDATE task SET state = '{LEASED}', worker = ?, until_s = ? WHERE name = ? AND queue = ?",
                (claim.worker, now_s + claim.seconds, task.name, task.queue),
            )
    return taken


def waits(rows: Rows, claim: Claim, now_s: float) -> bool:
    """True when `lease` would find something; it changes nothing and makes nobody wait."""
    of, values = _of(claim.queue)
    waiting = f"SELECT 1 FROM task WHERE state = '{WAITING}' {of} AND environment = ? LIMIT 1"
    late = f"SELECT 1 FROM task WHERE state = '{LEASED}' {of} AND until_s < ? LIMIT 1"
    return bool(rows.select(waiting, (*values, claim.environment)) or rows.select(late, (*values, now_s)))


def heartbeat(rows: Rows, claim: Claim, now_s: float) -> int:
    """Prolongs every lease of the worker; the number it still holds."""
    of, values = _of(claim.queue)
    with rows.change():
        until_s = now_s + claim.seconds
        return rows.execute(
            f"UPDATE task SET until_s = ? WHERE state = '{LEASED}' {of} AND worker = ?",
            (until_s, *values, claim.worker),
        )


def finish(rows: Rows, claim: Claim, finished: Sequence[Finished]) -> None:
    """Takes the ends of tasks. One result is accepted for a task: the same again changes nothing, another one fails it for good.

    An error puts the task back, until it has been tried MOST_ATTEMPTS times; it counts only while the worker holds the lease.
    """
    if finished:
        with rows.change():
            for end in finished:
                _fail(rows, claim.worker, end) if end.error else _accept(rows, end)


def _accept(rows: Rows, end: Finished) -> None:
    changed = rows.execute(
        f"UPDATE task SET state = '{DONE}', worker = '', error = '', result = ?, arrays = ?, hash = ?, seconds = ? "
        "WHERE name = ? AND queue = ? AND hash = ''",
        (end.result, end.arrays, end.hash, end.seconds, end.task.name, end.task.queue),
    )
    if not changed:
        error = f"{TWICE}: two runs of one task gave {end.hash[:12]} and another result; let all chance come from the generator it is given"
        rows.execute(
            f"UPDATE task SET state = '{FAILED}', worker = '', error = ? WHERE name = ? AND queue = ? AND hash <> ?",
            (error, end.task.name, end.task.queue, end.hash),
        )


def _fail(rows: Rows, worker: str, end: Finished) -> None:
    rows.execute(
        f"UPDATE task SET attempts = attempts + 1, worker = '', error = ?, seconds = ?, "
        f"state = CASE WHEN attempts + 1 < {MOST_ATTEMPTS} THEN '{WAITING}' ELSE '{FAILED}' END "
        f"WHERE name = ? AND queue = ? AND state = '{LEASED}' AND worker = ?",
        (end.error, end.seconds, end.task.name, end.task.queue, worker),
    )


def give_back(rows: Rows, claim: Claim) -> int:
    """Ends every lease of a worker that goes on purpose; how many there were."""
    with rows.change():
        return rows.execute(f"UPDATE task SET state = '{WAITING}', worker = '' WHERE state = '{LEASED}' AND worker = ?", (claim.worker,))


def bury(rows: Rows, queue: str) -> int:
    """Takes back what workers of this machine held that are dead; how many tasks those were."""
    of, values = _of(queue)
    holders = [worker for (worker,) in rows.select(f"SELECT DISTINCT worker FROM task WHERE state = '{LEASED}' {of}", values)]
    dead = [worker for worker in holders if is_dead(Process(*json.loads(worker)))]
    with rows.change():
        return sum(_lose(rows, f"worker = ? {of}", (worker, *values), "ended (killed, or out of memory?)") for worker in dead)


def _expire(rows: Rows, queue: str, now_s: float) -> None:
    of, values = _of(queue)
    _lose(rows, f"until_s < ? {of}", (now_s, *values), "was not heard of in time")


def _lose(rows: Rows, which: str, values: tuple[object, ...], how: str) -> int:
    """Counts a death for each leased task of these, and puts it back unless it has cost too many."""
    found = rows.select(f"SELECT name, queue, deaths FROM task WHERE state = '{LEASED}' AND {which} {rows.locking}", values)
    for name, queue, deaths in found:
        state = WAITING if deaths + 1 < MOST_DEATHS else FAILED
        error = f"a worker that held it {how}, {deaths + 1} times"
        rows.execute(
            "UPDATE task SET state = ?, worker = '', deaths = ?, error = ? WHERE name = ? AND queue = ?",
            (state, deaths + 1, error, name, queue),
        )
    return len(found)


def _of(queue: str) -> tuple[str, tuple[str, ...]]:
    return ("AND queue = ?", (queue,)) if queue else ("", ())
