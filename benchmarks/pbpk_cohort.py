"""Claim: a thousand virtual PSMA patients to 40,000 min in under ten seconds on two cores, many times faster than the peer's solves.

    python benchmarks/pbpk_cohort.py [--patients 1000] [--repeats 3] [--peer PYTHON --sbml PSMA.sbml] [--solves 20]

Peer: libroadrunner (CVODE, rtol 1e-8) on the authors' SBML file, in another interpreter (it also needs python-libsbml); both are yours to
fetch. Prints wall and processor time a patient, and how far the two are apart at 24 and 96 h.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

import numba
import numpy as np

from gemel.core.parameter import draw_free, to_value
from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics.pbpk_parameters import free_parameters

PEER = Path(__file__).with_name("pbpk_cohort_peer.py")
T_MIN = np.array([60.0, 240.0, 1440.0, 4320.0, 5760.0, 10080.0, 40000.0])


def cohort(patients: int, seed: int) -> dict[str, object]:
    """Published parameters with every free one drawn from its prior."""
    free = free_parameters()
    draws = draw_free(free, patients, np.random.default_rng(seed))
    return pbpk.default_parameters() | {"flow_shared_1": 1.0} | {p.name: to_value(p, column) for p, column in zip(free, draws.T)}


def timed(params: dict[str, object]) -> tuple[float, float, float]:
    """Wall and processor seconds, and mean steps, of one course of all patients."""
    wall, cpu = time.perf_counter(), time.process_time()
    course = pbpk.course(params, [pbpk.Injection(10.3, 100.0)], T_MIN)
    return time.perf_counter() - wall, time.process_time() - cpu, float(course.steps.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--solves", type=int, default=20)
    parser.add_argument("--peer")
    parser.add_argument("--sbml")
    asked = parser.parse_args()
    timed(cohort(8, 0))  # compiled before the clock starts
    runs = [timed(cohort(asked.patients, seed)) for seed in range(asked.repeats)]
    wall, cpu, steps = np.median(runs, axis=0)
    print(f"gemel: {asked.patients} patients on {numba.get_num_threads()} threads: {wall:.2f} s wall, {cpu:.2f} s processor,", end=" ")
    print(f"{1e3 * cpu / asked.patients:.2f} ms·core a patient, {steps:.0f} steps each")
    if asked.peer and asked.sbml:
        said = subprocess.run([asked.peer, PEER, asked.sbml, str(asked.solves)], check=True, capture_output=True, text=True).stdout
        theirs = json.loads(said.strip().splitlines()[-1])
        ours = pbpk.solve(pbpk.default_parameters(), 10.3, 100.0, np.array([1440.0, 5760.0]))["kidney"]
        apart = np.abs(ours / pbpk.MBq_per_nmol(pbpk.default_parameters()) / theirs["kidney_nmol"] - 1).max()
        print(
            f"peer: load {theirs['load_s']:.1f} s, {1e3 * theirs['wall_s']:.0f} ms wall, {1e3 * theirs['cpu_s']:.0f} ms processor a solve"
        )
        print(f"ratio of processor time: {theirs['cpu_s'] / (cpu / asked.patients):.0f}; kidneys at 24 and 96 h apart by {apart:.1e}")


if __name__ == "__main__":
    main()
