"""Many tasks to their results: put in the queue of a store, done by an executor, read back in order."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import gemel.store
from gemel.core.errors import InputError
from gemel.core.system import Progress, silent
from gemel.flow.cohort.executors import executor as executor_of
from gemel.flow.cohort.functions import environment_digest
from gemel.flow.cohort.keeping import unkeep
from gemel.flow.cohort.task import Result, Task
from gemel.store import Store, queue, standing
from gemel.store.environment import environment
from gemel.store.queue import Queue

SILENT_S, REPORT_S = 2.0, 0.5  # nothing is reported of what takes less; then so often


def execute(
    tasks: Sequence[Task],
    *,
    store: Store | str | Path | None = None,
    executor: str = "pool",
    workers: int = 2,
    progress: Progress = silent,
) -> Mapping[str, Result]:
    """Results by the tasks' names, in their order: bit for bit the same for any executor and number of workers.

    `executor`: serial, pool (processes of this machine), ray (a cluster), or queue (wait for `gemel worker`s elsewhere).
    What a store holds already is not computed again, so that a run that was killed goes on; without a store nothing outlives the call.
    A task that fails is a Result with its `error`, and the others go on; `whole` raises for it.
    Raises InputError for fewer than one worker, an unknown executor or one that is not installed, and a function that is not there.
    """
    if workers < 1:
        raise InputError(f"{workers} workers", where="execute", remedy="ask for at least one")
    done_by = executor_of(executor)
    named = {task.name: task for task in tasks}
    if not named:
        return {}
    with opened(store) as held:
        name = enqueue(held, named)
        if standing.is_open(held.rows, name):
            done_by(held, name, workers, reporting(held, name, progress))
        found = results(held, name)
        return {task: found[task] for task in named}


def enqueue(store: Store, named: Mapping[str, Task]) -> str:
    """Puts the tasks and returns the queue's name: the hash of theirs, so that the same cohort meets its own queue again."""
    name = hashlib.sha256("\n".join(sorted(named)).encode()).hexdigest()
    functions = sorted({task.function for task in named.values()})
    title = f"{', '.join(functions)}: {len(named)} tasks"
    queue.open_queue(store.rows, Queue(name, title, environment().decode(), time.time()))
    queue.put(store.rows, name, {task: named[task].body for task in named}, environment_digest())
    return name


def results(store: Store, name: str) -> dict[str, Result]:
    """What became of every task of a queue that has ended."""
    return {
        kept.name: Result(
            kept.name,
            *(unkeep(kept.result, kept.arrays, store.artefacts) if kept.result else ({}, {})),
            kept.seconds,
            kept.error,
        )
        for kept in standing.ended(store.rows, name)
    }


def reporting(store: Store, name: str, progress: Progress) -> Callable[[], None]:
    """A function to be called now and then, that reports how many tasks have ended."""
    began_s = time.monotonic()
    last_s = [began_s + SILENT_S - REPORT_S]

    def told() -> None:
        if time.monotonic() - last_s[0] >= REPORT_S:
            last_s[0] = time.monotonic()
            now = standing.standings(store.rows, name)[0]
            progress("tasks", now.ended, now.total)

    return told


@contextmanager
def opened(store: Store | str | Path | None) -> Iterator[Store]:
    """The store, opened when it is an address; a temporary one without."""
    if isinstance(store, Store):
        yield store
    elif store is not None:
        with gemel.store.open(store) as held:
            yield held
    else:
        with tempfile.TemporaryDirectory(prefix="gemel-cohort-") as folder, gemel.store.open(Path(folder) / "cohort.db") as held:
            yield held
