"""Claims: the dose of nine plans on a new anatomy takes <= 15 s without a matrix; 21 scenarios on rows of the target take some seconds.

Synthetic pelvis of pencil_beam_matrix.py at 3 mm, two opposed beams, 5 mm spots in all layers; the nine plans differ in weights and each
is traced anew. Beside it the same by `influence(...) @ weights`, with the memory of each way; equal sums show that both found the same.
Run: python benchmarks/pencil_beam_forward.py; NUMBA_NUM_THREADS limits the threads. Each case runs in a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
from pencil_beam_matrix import pelvis

PLANS, SPACING_MM, KEPT = 9, 3.0, 0.98
CASES = {
    "dose": f"{PLANS} plans, dose without matrix",
    "matrix": f"{PLANS} plans, matrix @ weights",
    "scenarios": "21 scenarios from depths traced once",
    "traced": "21 scenarios traced each",
}


def one(what):
    """Times and memory of one case, as JSON."""
    from gemel.core import Image
    from gemel.devices.proton import Machine
    from gemel.engines.dose import Error, forward, influence, influence_scenarios, place_spots, trace

    values, target = pelvis(SPACING_MM)
    affine = np.diag([SPACING_MM] * 3 + [1.0])
    affine[:3, 3] = [-(n - 1) / 2 * SPACING_MM for n in values.shape]
    rsp, machine, iso = Image(values, affine), Machine.generic(), np.zeros(3)
    spots = np.concatenate([place_spots(rsp, target, g, machine, iso) for g in (90.0, 270.0)])
    plans = np.random.default_rng(0).random((PLANS, len(spots))).astype(np.float32)
    shifts = [np.zeros(3), *(sign * 5.0 * axis for axis in np.eye(3) for sign in (-1, 1))]
    errors = [Error(shift, factor) for factor in (1.0, 1.035, 0.965) for shift in shifts]
    influence(rsp, spots[:3], machine, iso, voxels=target)
    forward.dose(rsp, spots[:3], plans[0, :3], machine, iso)

    def calculate():
        if what == "dose":
            return [float(forward.dose(rsp, spots, weights, machine, iso).sum()) for weights in plans]
        if what == "matrix":
            return [float((influence(rsp, spots, machine, iso) @ weights).sum()) for weights in plans]
        if what == "scenarios":
            return [m.nnz for m in influence_scenarios(trace(rsp, spots, machine, iso, kept=KEPT), errors, voxels=target)]
        scaled = [(Image(error.range_factor * values, affine), iso - error.shift_mm) for error in errors]
        return [influence(image, spots, machine, centre, voxels=target, kept=KEPT).nnz for image, centre in scaled]

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    began, worked = time.perf_counter(), time.process_time()
    found = calculate()
    row = {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - worked, "spots": len(spots), "check": found[0]}
    print(json.dumps({**row, "memory_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2 - before}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", choices=CASES, help="one case, as JSON (used by itself)")
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one)
        return
    for what, words in CASES.items():
        command = [sys.executable, __file__, "--one", what]
        row = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
        text = f"{words}: {row['wall_s']:.2f} s ({row['cpu_s']:.2f} s CPU), {row['memory_GB']:.2f} GB more memory"
        print(f"{text}, {row['spots']} spots; first sum {row['check']:.7g}")


if __name__ == "__main__":
    main()
