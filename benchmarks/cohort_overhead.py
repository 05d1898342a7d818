"""Many short sleeps in the queue: what the engine itself costs.

Claim: less than 2 % over the ideal wall time at tasks of one second. Sleeping tasks take no CPU, so that the wall time tells what is
added between tasks; the CPU time of queue, workers and parent for each task does not depend on what else the machine does.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from cohort_work import NAP, lived

import gemel.store
from gemel.flow.cohort import Task, execute, whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--executor", default="pool")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        given = [Task(NAP, {"i": i, "seconds": asked.seconds, "log": str(log)}, 1) for i in range(asked.tasks)]
        begun_s, before = time.time(), os.times()
        with gemel.store.open(Path(folder) / "cohort.db") as store:
            whole(execute(given, store=store, executor=asked.executor, workers=asked.workers))
        wall_s, after = time.time() - begun_s, os.times()
        lives = lived(log)
    ideal_s = asked.seconds * asked.tasks / asked.workers
    first_s, last_s = min(life.begun_s for life in lives), max(life.ended_s for life in lives)
    result = {
        "tasks": asked.tasks,
        "workers": asked.workers,
        "ideal_s": round(ideal_s, 2),
        "overhead_between_tasks": round((last_s - first_s) / ideal_s - 1, 4) if ideal_s else None,
        "overhead_with_start_and_end": round(wall_s / ideal_s - 1, 4) if ideal_s else None,
        "wall_ms_a_task_of_a_worker": round(1000 * (last_s - first_s) * asked.workers / asked.tasks, 2),
        "start_s": round(first_s - begun_s, 2),
        "end_s": round(begun_s + wall_s - last_s, 2),
        "cpu_of_parent_ms_a_task": round(1000 * (after.user + after.system - before.user - before.system) / asked.tasks, 2),
        "cpu_of_workers_ms_a_task": round(1000 * sum(life.cpu_s for life in lives) / asked.tasks, 2),
        "load": os.getloadavg()[0],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
