"""Worker processes on this machine, each with a store of its own; one that dies is replaced and its tasks are taken back at once."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gemel.core.errors import InputError, TaskError
from gemel.flow.cohort.threads import ENVIRONMENT
from gemel.store import Store, queue
from gemel.store.standing import counts, is_open

POLL_S, STOP_S = 0.05, 15.0
ENTRY = "gemel.flow.cohort.executors.nursery"
MOST_IN_VAIN = 3  # ends without a task's end or loss between them, beyond one for each worker


@dataclass(frozen=True)
class Nursery:
    """The process that forks workers, what it has said and was not yet read, and for how many ends in a row nothing was done."""

    process: "subprocess.Popen[bytes]"
    unread: list[bytes] = field(default_factory=lambda: [b""])


def pool(store: Store, name: str, workers: int, told: Callable[[], None]) -> None:
    """Does the tasks of a queue. Raises what a worker refused with, and TaskError when workers end before they take a task."""
    if not hasattr(os, "fork"):
        raise InputError("a system without fork", where="pool", remedy="use executor='serial', or start `gemel worker`s and use 'queue'")
    held = counts(store.rows, name)
    wanted = min(workers, held[queue.WAITING] + held[queue.LEASED])
    settings = {"store": store.rows.address, "artefacts": str(store.artefacts.folder.absolute()), "queue": name}
    vain, last = 0, -1
    while is_open(store.rows, name):
        with nursery(json.dumps(settings), wanted) as alive:
            while is_open(store.rows, name) and (news := heard(alive)) is not None:
                _require_no_refusal(news)
                if ends := [line for line in news if "status" in line]:
                    lost, now = queue.bury(store.rows, name), ended(store, name)
                    vain, last = (0 if lost or now != last else vain + len(ends)), now
                    _require_progress(vain, wanted)
                    start(alive, len(ends))
                told()
                time.sleep(POLL_S)
        vain += 1
        queue.bury(store.rows, name)
        _require_progress(vain, wanted)


def ended(store: Store, name: str) -> int:
    """Number of tasks that nobody will work on again."""
    held = counts(store.rows, name)
    return held[queue.DONE] + held[queue.FAILED]


@contextmanager
def nursery(settings: str, wanted: int) -> Iterator[Nursery]:
    """A nursery with that many workers. Its settings, which may hold a password, go through a pipe."""
    process = subprocess.Popen(
        [sys.executable, "-m", ENTRY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    alive = Nursery(process)
    try:
        os.set_blocking(process.stdout.fileno(), False)
        _write(alive, f"{settings}\n".encode())
        start(alive, wanted)
        yield alive
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def start(alive: Nursery, workers: int) -> None:
    """Asks for workers."""
    _write(alive, b"+" * workers)


def heard(alive: Nursery) -> list[dict[str, Any]] | None:
    """What the nursery has said since; None when it is gone."""
    assert alive.process.stdout is not None
    read = alive.process.stdout.read()
    if not read and alive.process.poll() is not None:
        return None
    *lines, alive.unread[0] = (alive.unread[0] + (read or b"")).split(b"\n")
    return [json.loads(line) for line in lines]


def _write(alive: Nursery, what: bytes) -> None:
    """Writes to the nursery; one that is gone is found so by `heard`."""
    assert alive.process.stdin is not None
    try:
        alive.process.stdin.write(what)
    except BrokenPipeError:
        return


def _require_no_refusal(news: list[dict[str, Any]]) -> None:
    for line in news:
        if "found" in line:
            raise InputError(line["found"], where=line["where"], remedy=line["remedy"])


def _require_progress(vain: int, wanted: int) -> None:
    if vain > wanted + MOST_IN_VAIN:
        remedy = "look at what they wrote to standard error; memory may be short: ask for fewer workers"
        raise TaskError(f"{vain} workers that ended one after the other with nothing done", where="pool", remedy=remedy)
