"""The task that the cohort benchmarks queue, in a module of its own so that workers can import it."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

NAP = "cohort_work:nap"
_LAST_CPU_S = [time.process_time()]


@dataclass(frozen=True)
class Life:
    """One execution of a task: which, by whom, when, and the CPU seconds of its worker since its last task ended."""

    i: int
    pid: int
    begun_s: float
    ended_s: float
    cpu_s: float


def nap(inputs: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Sleeps, draws, and writes to the log when it begins and when it ends."""
    begun_s, since_cpu_s = time.time(), _LAST_CPU_S[0]
    with Path(inputs["log"]).open("a") as log:
        log.write(f"begun {inputs['i']} {os.getpid()}\n")
    time.sleep(inputs["seconds"])
    cpu_s = time.process_time()
    with Path(inputs["log"]).open("a") as log:
        log.write(f"ended {inputs['i']} {os.getpid()} {begun_s!r} {time.time()!r} {max(cpu_s - since_cpu_s, 0.0)!r}\n")
    _LAST_CPU_S[0] = cpu_s
    return {"i": inputs["i"], "draws": rng.normal(size=8).tolist()}


def lived(log: Path) -> list[Life]:
    """Every execution that ended."""
    words = [line.split() for line in log.read_text().splitlines() if line.startswith("ended")]
    return [Life(int(w[1]), int(w[2]), float(w[3]), float(w[4]), float(w[5])) for w in words]
