"""A worker: leases tasks, computes them, hands in what came of them, until there are none or it is told to stop."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

from gemel.core.errors import InputError, StoreError
from gemel.flow.cohort.compute import attempted, settled
from gemel.flow.cohort.functions import environment_digest
from gemel.flow.cohort.stopping import Interrupted, Stop
from gemel.store import Store, queue
from gemel.store.environment import differences, environment
from gemel.store.queue import Claim, Finished, Leased
from gemel.store.standing import foreign, is_open

BATCH_S = 0.5  # what a worker holds, and hands in at once, is about so much work: tasks that take longer go one by one
LARGEST_BATCH = 256
POLL_S, LOOK_S = 0.05, 1.0  # an idle worker asks for tasks so often at first and at last, and then looks for dead workers too
BUSY_S = 120.0  # a worker waits so long for its turn to write
BEATS = 3  # heartbeats in the time of a lease


@dataclass(frozen=True)
class Patience:
    """How long a worker waits for tasks: until its queue has ended (`once`), or `idle_s` seconds without any."""

    once: bool = True
    idle_s: float = float("inf")


def nothing() -> None:
    """A report that goes nowhere."""


def claim_of(name: str = "", seconds: float = 60.0) -> Claim:
    """What this process may lease: tasks of its own code, from one queue or from any."""
    return Claim(queue.worker_name(), name, environment_digest(), seconds)


def work(store: Store, claim: Claim, patience: Patience, stop: Stop, *, told: Callable[[], None] = nothing) -> int:
    """Works until the patience ends or it is told to stop, and gives back what it holds; the number of tasks it ended.

    `told` is called after each batch. Raises InputError when all that waits was put by other code.
    """
    ended: list[Finished] = []
    done, size, idle_since_s = 0, 1, time.monotonic()
    with beating(store, claim), handing_in(store, claim, ended):
        while not stop.asked:
            batch = turn(store, claim, ended, size)
            done, size = done + len(ended), next_size(ended, size)
            ended.clear()
            told()
            if batch:
                compute_batch(store, batch, stop, ended)
                idle_since_s = time.monotonic()
            elif worth_waiting(store, claim, patience, idle_s := time.monotonic() - idle_since_s):
                stop.wait(min(LOOK_S, POLL_S + idle_s / 10))
            else:
                break
        return done + len(ended)


def turn(store: Store, claim: Claim, ended: Sequence[Finished], size: int) -> list[Leased]:
    """Hands in what ended, gives back what was not begun and leases the next tasks, all in one change: one flush to the disk."""
    if not ended and not queue.waits(store.rows, claim, time.time()):
        return []
    with store.rows.change():
        queue.finish(store.rows, claim, ended)
        if ended:
            queue.give_back(store.rows, claim)
        return queue.lease(store.rows, claim, size, time.time())


def compute_batch(store: Store, batch: Sequence[Leased], stop: Stop, ended: list[Finished]) -> None:
    """Computes tasks into `ended`, until they have taken long enough to be handed in."""
    began_s = time.monotonic()
    for task in batch:
        try:
            with stop.interruptible():
                end = settled(task, attempted(task), store.artefacts)
        except Interrupted:
            return
        ended.append(end)
        if stop.asked or time.monotonic() - began_s > BATCH_S:
            return


def next_size(ended: Sequence[Finished], size: int) -> int:
    """Tasks to lease next, from the time that the last ones took."""
    taken_s = sum(end.seconds for end in ended)
    return max(1, min(LARGEST_BATCH, int(BATCH_S * len(ended) / max(taken_s, 1e-6)))) if ended else size


def worth_waiting(store: Store, claim: Claim, patience: Patience, idle_s: float) -> bool:
    """True while tasks may still come. Tasks of workers of this machine that died are taken back. Raises InputError for other code."""
    if idle_s > LOOK_S:
        queue.bury(store.rows, claim.queue)
    if patience.once or claim.queue:
        _require_own_code(foreign(store.rows, claim.queue, claim.environment))
    return is_open(store.rows, claim.queue) if patience.once else idle_s < patience.idle_s


def _require_own_code(others: Sequence[str]) -> None:
    if others:
        lines = differences(others[0].encode(), environment()) or ("the code",)
        remedy = "put the cohort again with this code, or work on it with that which put it"
        raise InputError(f"tasks that wait for other code: {', '.join(lines)[:300]}", where="worker", remedy=remedy)


@contextmanager
def handing_in(store: Store, claim: Claim, ended: Sequence[Finished]) -> Iterator[None]:
    """However the block ends: what ended is handed in, what did not is given back."""
    try:
        yield
    finally:
        with store.rows.change():
            queue.finish(store.rows, claim, ended)
            queue.give_back(store.rows, claim)


@contextmanager
def beating(store: Store, claim: Claim) -> Iterator[None]:
    """Prolongs the leases from a thread of its own while the block lasts."""
    over = Event()

    def beat() -> None:
        while not over.wait(claim.seconds / BEATS):
            try:
                queue.heartbeat(store.rows, claim, time.time())
            except StoreError:
                continue  # the store is busy: the next beat may come through, and a lease that runs out costs time alone

    thread = Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
