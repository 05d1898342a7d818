"""Independent pieces of work on all cores, with the same results whatever their number."""

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from joblib import Parallel, delayed, parallel_config

Task = TypeVar("Task")
Result = TypeVar("Result")
Report = Callable[[int, int], None]  # (done, total)

MOST = 4
"""Workers at most: each holds what its piece of work needs, up to a gigabyte."""


def mapped(work: Callable[[Task], Result], tasks: Sequence[Task], report: Report) -> list[Result]:
    """[work(task) for task in tasks], in order, on processes of one thread each; a task that raises stops all and raises here.

    `work` and the tasks must be picklable and carry their own seeds. A single task, or a single core, is worked on in this process.
    """
    workers = min(len(tasks), os.cpu_count() or 1, MOST)
    results: list[Result] = []
    report(0, len(tasks))
    if workers < 2:
        for task in tasks:
            results.append(work(task))
            report(len(results), len(tasks))
        return results
    with parallel_config(backend="loky", inner_max_num_threads=1):
        for result in Parallel(n_jobs=workers, return_as="generator")(delayed(work)(task) for task in tasks):
            results.append(result)
            report(len(results), len(tasks))
    return results
