"""The process that `pool` starts: it loads the package once and forks a worker for each `+` on its standard input.

It has one thread and no open store, so that a fork copies no lock. On its standard output stands a line of JSON for each worker that
refused ({"pid", "found", "where", "remedy"}) or ended ({"pid", "status"}). When its input ends, because the parent does not need it
any more or is gone, it tells its workers to stop; when it is gone itself, they see that at a pipe.
"""

import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

import gemel.store
from gemel.core.errors import GemelError
from gemel.flow.cohort.functions import environment_digest
from gemel.flow.cohort.stopping import Stop, on_signal
from gemel.flow.cohort.worker import BUSY_S, Patience, claim_of, work

POLL_S, STOP_S = 0.05, 10.0


def main() -> int:
    """Forks workers until the input ends."""
    channel, (settings, _, asked) = os.dup(1), _first_line()
    environment_digest()  # of the code that was loaded: workers forked later run that
    os.dup2(2, 1)  # what tasks print goes to standard error
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C too, and tells
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    reader, writer = os.pipe()
    workers: set[int] = set()
    while asked is not None:
        for _ in asked:
            workers.add(fork(json.loads(settings), channel, (reader, writer)))
        reap(workers, channel)
        asked = os.read(0, 4096) or None if select.select([0], [], [], POLL_S)[0] else b""
    end(workers, channel)
    return 0


def _first_line() -> tuple[bytes, bytes, bytes | None]:
    """The settings, and what came after them."""
    read = b""
    while b"\n" not in read:
        if not (piece := os.read(0, 4096)):
            return b"{}", b"", None
        read += piece
    return read.partition(b"\n")


def fork(settings: dict[str, str], channel: int, pipe: tuple[int, int]) -> int:
    """The process id of a new worker."""
    if pid := os.fork():
        return pid
    status = 1
    try:
        os.close(pipe[1])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        labour(settings, channel, pipe[0])
        status = 0
    except BaseException:  # noqa: BLE001 the fork ends here, whatever happened, and tells
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def labour(settings: dict[str, str], channel: int, pipe: int) -> None:
    """Works on the queue until it has ended."""
    stop = Stop()
    with on_signal(stop, signal.SIGTERM):
        Thread(target=_leave_with_nursery, args=(pipe,), daemon=True).start()
        try:
            with gemel.store.open(settings["store"], create=False, busy_s=BUSY_S, artefacts=Path(settings["artefacts"])) as store:
                work(store, claim_of(settings["queue"]), Patience(), stop)
        except GemelError as error:
            _say(channel, {"pid": os.getpid(), "found": error.found, "where": error.where, "remedy": error.remedy})


def _leave_with_nursery(pipe: int) -> None:
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def reap(workers: set[int], channel: int) -> None:
    """Tells of the workers that ended."""
    for pid in list(workers):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            workers.discard(pid)
            _say(channel, {"pid": pid, "status": os.waitstatus_to_exitcode(status)})


def end(workers: set[int], channel: int) -> None:
    """Ends the workers: asked first, killed when they do not listen."""
    for pid in workers:
        os.kill(pid, signal.SIGTERM)
    late_s = time.monotonic() + STOP_S
    while workers and time.monotonic() < late_s:
        reap(workers, channel)
        time.sleep(POLL_S)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)


def _say(channel: int, what: dict[str, Any]) -> None:
    """One line, short enough to be written whole (POSIX write, PIPE_BUF); nobody may be there to read it."""
    short = {key: value[:600] if isinstance(value, str) else value for key, value in what.items()}
    try:
        os.write(channel, f"{json.dumps(short)}\n".encode())
    except BrokenPipeError:
        return


if __name__ == "__main__":
    os._exit(main())  # nothing is left to tidy up
