"""Kills workers of a cohort with SIGKILL at random moments while they work, and looks for anything lost, repeated or changed.

Claim: with 30 % of the workers' tasks cut off so, no task is lost, no result is accepted twice, only what was cut off is begun again,
and the results are those of 1, 2 and 8 workers that nobody kills, bit for bit.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import threading
import time
from pathlib import Path

from cohort_work import NAP

import gemel.store
from gemel.core.digest import digest
from gemel.flow.cohort import Task, execute, whole
from gemel.store import standing


def tasks(log: Path, n: int, seconds: float) -> list[Task]:
    return [Task(NAP, {"i": i, "seconds": seconds, "log": str(log)}, 1) for i in range(n)]


def begun(log: Path) -> list[list[str]]:
    """Number and process of every task begun, in order."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [line.split()[1:3] for line in lines if line.startswith("begun")]


def kill_at(log: Path, moments: list[int], killed: list[str], over: threading.Event) -> None:
    """Kills the worker that began last, when so many tasks have begun."""
    for moment in moments:
        while len(begun(log)) < moment and not over.is_set():
            time.sleep(0.01)
        if over.is_set():
            return
        pid = begun(log)[-1][1]
        os.kill(int(pid), signal.SIGKILL)
        killed.append(pid)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0.6)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--share", type=float, default=0.3, help="kills for each task")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    killed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        log, over = Path(folder) / "log", threading.Event()
        given = tasks(log, asked.tasks, asked.seconds)
        moments = sorted(random.Random(asked.seed).sample(range(1, asked.tasks), round(asked.share * asked.tasks)))
        killer = threading.Thread(target=kill_at, args=(log, moments, killed, over))
        killer.start()
        began_s = time.perf_counter()
        with gemel.store.open(Path(folder) / "cohort.db") as store:
            found = whole(execute(given, store=store, workers=asked.workers))
            wall_s = time.perf_counter() - began_s
            counts = standing.standings(store.rows)[0]
        over.set()
        killer.join()
        starts = len(begun(log))
        calm = {n: whole(execute(given, workers=n)) for n in (1, 2, 8)} if asked.seconds * asked.tasks < 200 else {}
    values = digest([dict(result.value) for result in found.values()])
    result = {
        "tasks": asked.tasks,
        "kills": len(killed),
        "workers_killed": len(set(killed)),
        "done": counts.done,
        "lost": asked.tasks - len({result.value["i"] for result in found.values()}),
        "begun_again": starts - asked.tasks,
        "begun_again_without_a_kill": starts - asked.tasks - len(killed),
        "same_bits_with_workers": [n for n, one in calm.items() if digest([dict(r.value) for r in one.values()]) == values],
        "wall_s": round(wall_s, 1),
        "load": os.getloadavg()[0],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
