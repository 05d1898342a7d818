"""Tasks on a Ray cluster: this process leases them and hands in what comes back, so that the nodes need not reach the store."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from gemel.flow.cohort.compute import Attempt, attempted_all, settled
from gemel.flow.cohort.threads import ENVIRONMENT
from gemel.flow.cohort.worker import POLL_S, beating, claim_of, handing_in, next_size
from gemel.store import Store, queue
from gemel.store.queue import Claim, Finished, Leased
from gemel.store.standing import is_open

_attempt_all = ray.remote(attempted_all)  # found by its name on the nodes
AHEAD = 2  # batches on their way for each worker, so that none waits for this process


def cluster(store: Store, name: str, workers: int, told: Callable[[], None]) -> None:
    """Does the tasks of a queue on the cluster named by RAY_ADDRESS, or on one of `workers` processes that ends with the work.

    Raises what a node refused with: code that is not that of the tasks.
    """
    claim, ended = claim_of(name), list[Finished]()
    with connected(workers), beating(store, claim), handing_in(store, claim, ended):
        pending: dict[Any, list[Leased]] = {}
        size = 1
        while pending or is_open(store.rows, name):
            submit(store, claim, pending, room=AHEAD * workers - len(pending), size=size)
            if not pending:
                queue.bury(store.rows, name)
                time.sleep(POLL_S)
                continue
            ready, _ = ray.wait(list(pending), timeout=POLL_S)
            for done in ready:
                ended += received(store, done, pending.pop(done))
            queue.finish(store.rows, claim, ended)
            size = next_size(ended, size)
            ended.clear()
            told()


def submit(store: Store, claim: Claim, pending: dict[Any, list[Leased]], *, room: int, size: int) -> None:
    """Leases batches and sends them off while there is room."""
    for _ in range(room):
        batch = queue.lease(store.rows, claim, size, time.time()) if queue.waits(store.rows, claim, time.time()) else []
        if not batch:
            return
        pending[_attempt_all.remote(batch)] = batch


def received(store: Store, done: Any, batch: Sequence[Leased]) -> list[Finished]:
    """The ends of a batch; those of a worker that Ray could not keep alive are errors."""
    try:
        attempts: list[Attempt] = ray.get(done)
    except RayTaskError as error:
        raise error.cause from error
    except RayError as error:
        return [Finished(task, 0.0, error=f"{type(error).__name__}: {error}"[:2000]) for task in batch]
    return [settled(task, attempt, store.artefacts) for task, attempt in zip(batch, attempts, strict=True)]


@contextmanager
def connected(workers: int) -> Iterator[None]:
    """A cluster: the one this process is connected to, that of RAY_ADDRESS, or one of its own that reports to nobody."""
    if ray.is_initialized():
        yield
        return
    if "RAY_ADDRESS" in os.environ:
        ray.init(runtime_env={"env_vars": ENVIRONMENT})
    else:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        own = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": own})
    try:
        yield
    finally:
        ray.shutdown()
