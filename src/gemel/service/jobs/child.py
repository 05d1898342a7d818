"""The child process: it holds the libraries that are large and slow to load, takes orders over a pipe, and ends when none come."""

import logging
import os
import signal
from collections.abc import Callable, Mapping
from importlib import import_module
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any

from gemel import store
from gemel.core.errors import GemelError, TaskError
from gemel.service.jobs.order import Begun, Bench, Done, Failed, Order, Place, Told
from gemel.store import Store

IDLE_s = 300.0
"""Without an order for so long the child ends, and gives its memory back."""
Table = Mapping[str, Callable[[Bench, Mapping[str, Any]], Any]]
log = logging.getLogger(__name__)


def serve(pipe: Connection, place: Place, idle_s: float = IDLE_s) -> None:
    """Carries out orders until the pipe is closed, none comes for `idle_s`, or the service is gone."""
    os.nice(place.nice)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches all processes; the service says when to end
    Thread(target=_end_with_parent, daemon=True).start()
    functions, memory = table(place.table), dict[str, Any]()
    with store.open(place.store, create=False) as record:
        while pipe.poll(idle_s):
            try:
                order = pipe.recv()
                pipe.send(Begun())
                pipe.send(carried_out(functions, order, bench(record, place, pipe, memory)))
            except (EOFError, BrokenPipeError):
                return


def table(name: str) -> Table:
    """The table of functions that `module:NAME` names."""
    module, _, attribute = name.partition(":")
    found: Table = getattr(import_module(module), attribute)
    return found


def bench(record: Store, place: Place, pipe: Connection, memory: dict[str, Any]) -> Bench:
    """What functions are handed; progress goes into the pipe."""
    return Bench(record, place.folder, lambda what, done, total: pipe.send(Told(what, done, total)), memory)


def carried_out(functions: Table, order: Order, at: Bench) -> Done | Failed:
    """What became of an order. A fault of the program becomes words as well; where it happened is told to the log alone."""
    try:
        return Done(functions[order.function](at, order.arguments))
    except GemelError as error:
        return Failed(error)
    except Exception as error:  # whatever a plug-in raises: this child must live, and its caller be told
        log.exception("%s failed", order.function)
        found = f"a fault inside {order.function} ({type(error).__name__})"
        return Failed(TaskError(found, where="the service", remedy="its log tells more; report this as a fault of gemel"))


def _end_with_parent() -> None:
    """A service that was killed leaves no child behind that still writes."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
