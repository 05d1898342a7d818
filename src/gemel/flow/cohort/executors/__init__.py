"""Who does the tasks of a queue: this process, processes of this machine, a Ray cluster, or workers elsewhere."""

from collections.abc import Callable

from gemel.core.errors import InputError
from gemel.flow.cohort.executors.elsewhere import elsewhere
from gemel.flow.cohort.executors.pool import pool
from gemel.flow.cohort.executors.serial import serial
from gemel.store import Store

Executor = Callable[[Store, str, int, Callable[[], None]], None]  # (store, queue, workers, told): returns when the queue has ended

HERE: dict[str, Executor] = {"serial": serial, "pool": pool, "queue": elsewhere}


def executor(name: str) -> Executor:
    """The executor of that name. Raises InputError for one that is unknown or not installed."""
    if name in HERE:
        return HERE[name]
    if name != "ray":
        raise InputError(f"executor {name!r}", where="execute", remedy=f"choose from {', '.join((*HERE, 'ray'))}")
    try:
        from gemel.flow.cohort.executors.ray_cluster import cluster
    except ImportError as error:
        raise InputError(f"no {error.name} to run on", where="execute", remedy="pip install 'gemel[ray]'") from error
    return cluster
