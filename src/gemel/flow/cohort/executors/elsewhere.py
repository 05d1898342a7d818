"""The tasks are done by `gemel worker`s that somebody else starts: Slurm, Kubernetes, a person."""

import time
from collections.abc import Callable

from gemel.flow.cohort.worker import LOOK_S
from gemel.store import Store, queue
from gemel.store.standing import is_open


def elsewhere(store: Store, name: str, workers: int, told: Callable[[], None]) -> None:
    """Waits until the queue has ended, and takes back what dead workers of this machine held."""
    while is_open(store.rows, name):
        queue.bury(store.rows, name)
        told()
        time.sleep(LOOK_S)
