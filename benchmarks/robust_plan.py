"""Claim: a plan robust over 21 scenarios (set-up x range) at 3 mm takes at most 3 minutes and less than 2 GB on two cores.

Synthetic pelvis of optimise_plan.py, two opposed lateral beams, 5 mm spots with a margin for the set-up; no shift and six shifts of 5 mm,
each with the range as it is, 3.5 % longer and 3.5 % shorter. Matrices come from a generator, one alive at a time. Cases: all objectives
robust, or the target's alone. Printed: wall and CPU time, peak memory of the process, and how the target is covered in the worst scenario
by the robust plan and by one made for the nominal scenario alone, on matrices computed again with the engine's default cut-off:

    python benchmarks/robust_plan.py [--spacing 3] [--kept 0.98] [--measure worst_case]
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
from optimise_plan import GOALS, structures
from pencil_beam_matrix import pelvis

SHIFT_mm, RANGE = 5.0, 0.035


def errors():
    """21 pairs of (shift of the patient, range factor), the zero error first."""
    shifts = [np.zeros(3)] + [sign * SHIFT_mm * np.eye(3)[axis] for axis in range(3) for sign in (-1.0, 1.0)]
    return [(shift, 1.0 + change) for change in (0.0, RANGE, -RANGE) for shift in shifts]


def anatomy(spacing_mm):
    """RSP image and the masks."""
    from gemel.core import Image

    values, _ = pelvis(spacing_mm)
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = [-(n - 1) / 2 * spacing_mm for n in values.shape]
    return Image(values, affine), structures(spacing_mm)


def objectives(masks, robust):
    """Those of optimise_plan.py, each voxel judged once, in the order of the list."""
    from gemel.engines.optimise import SquaredDeviation, SquaredOverdose

    kinds, taken, goals = {"deviation": SquaredDeviation, "overdose": SquaredOverdose}, np.zeros_like(masks["CTV"]), []
    for name, (kind, dose_Gy, priority) in GOALS.items():
        rows = np.flatnonzero(masks[name] & ~taken)
        goals.append(kinds[kind](rows, dose_Gy, priority, robust=robust == "all" or (robust == "target" and name == "CTV")))
        taken |= masks[name]
    return goals


def matrices(rsp, spots, kept, voxels):
    """The 21 influence matrices in turn."""
    from gemel.devices.proton import Machine
    from gemel.engines.dose import Error, influence_scenarios, trace

    traced = trace(rsp, spots, Machine.generic(), np.zeros(3), kept=kept)
    yield from influence_scenarios(traced, [Error(shift, factor) for shift, factor in errors()], voxels=voxels)


def one(case, spacing_mm, kept, measure, gigabytes):
    """One case in a process of its own, so that its peak memory is its own; the coverage is found after the peak is read."""
    from gemel.devices.proton import Machine
    from gemel.engines import optimise
    from gemel.engines.dose import influence, place_spots

    rsp, masks = anatomy(spacing_mm)
    margin_mm = 5.0 + SHIFT_mm
    spots = np.concatenate([place_spots(rsp, masks["CTV"], g, Machine.generic(), np.zeros(3), margin_mm=margin_mm) for g in (90.0, 270.0)])
    goals = objectives(masks, case)
    influence(rsp, spots[:4], Machine.generic(), np.zeros(3), kept=kept)  # compiled, or loaded from the cache, outside the clock
    began, worked = time.perf_counter(), time.process_time()
    nominal = influence(rsp, spots, Machine.generic(), np.zeros(3), voxels=masks["BODY"], kept=kept)
    judged = {"all": masks["BODY"], "target": masks["CTV"]}.get(case)
    scenarios = None if case == "nominal" else matrices(rsp, spots, kept, judged)
    made = []
    search = optimise.Search(memory_GB=gigabytes, progress=lambda iteration, value: made or made.append(time.perf_counter() - began))
    result = optimise.plan(nominal, goals, scenarios=scenarios, robust=measure, search=search)
    row = {"case": case, "spots": len(spots), "nnz": int(nominal.nnz), "wall_s": time.perf_counter() - began}
    row |= {"cpu_s": time.process_time() - worked, "until_first_step_s": made[0]}
    row["peak_GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    row |= {"value": result.value, "iterations": result.iterations, "status": result.status, "sampled": result.sampled}
    del nominal
    row["coverage"] = coverage(rsp, masks, spots, result.weights)
    return row


def coverage(rsp, masks, spots, weights):
    """Of the target over the scenarios: the worst D95 and D98, the largest D2, and the worst share of the volume at 95 % of 26 Gy."""
    rows = np.flatnonzero(masks["CTV"])
    doses = [(matrix @ weights.astype(np.float32))[rows] for matrix in matrices(rsp, spots, 0.995, masks["CTV"])]
    d = {f"D{p}_Gy": [float(np.percentile(dose, 100 - p)) for dose in doses] for p in (95, 98, 2)}
    worst = {"D95_Gy": min(d["D95_Gy"]), "D98_Gy": min(d["D98_Gy"]), "D2_Gy": max(d["D2_Gy"])}
    return {**worst, "V95": min(float((dose >= 0.95 * 26.0).mean()) for dose in doses), "nominal_D95_Gy": d["D95_Gy"][0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spacing", type=float, default=3.0)
    parser.add_argument("--kept", type=float, default=0.98, help="share of a pencil within the lateral cut-off while optimising")
    parser.add_argument("--measure", default="worst_case", choices=("worst_case", "expected", "cvar"))
    parser.add_argument("--memory", type=float, default=0.8, help="of the rows of all scenarios, GB")
    parser.add_argument("--case", choices=("nominal", "target", "all"), help="one case, as JSON (used by itself)")
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(one(arguments.case, arguments.spacing, arguments.kept, arguments.measure, arguments.memory)))
        return
    for case in ("nominal", "target", "all"):
        command = [sys.executable, __file__, *sys.argv[1:], "--case", case]
        row = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
        print(f"{case:8} {row['spots']} spots, {row['nnz'] / 1e6:.1f} M non-zeros a scenario: {row['wall_s']:.1f} s, ", end="")
        print(f"{row['cpu_s']:.1f} s CPU ({row['until_first_step_s']:.1f} s wall until the first step), peak {row['peak_GB']:.2f} GB")
        print(f"         value {row['value']:.1f} after {row['iterations']} iterations; {row['status']}")
        covered = ", ".join(f"{name} {value:.3g}" for name, value in row["coverage"].items())
        print(f"         target over 21 scenarios, worst: {covered}", flush=True)


if __name__ == "__main__":
    main()
