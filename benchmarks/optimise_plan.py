"""Claim: a plan as good as pyRadPlan 0.5 makes in 500 iterations takes at most a quarter of its time, at 5 mm and 3 mm, in less memory.

The peer, in its own interpreter, makes its matrix of the synthetic pelvis (two opposed lateral beams), minimises its objectives for 500
iterations, and hands over matrix, objectives and weights; gemel minimises the same function on the same matrix. That it is the same is
checked: gemel's value of the peer's weights must be the peer's. The clock of gemel runs from the call with the matrix until a step has the
peer's value, checks and packing included; that of the peer from the call of its problem's solve. Run in a quiet machine:

    python benchmarks/optimise_plan.py --peer-python PATH [--repeats N]
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZE_MM = (360.0, 240.0, 180.0)
PRESCRIBED_Gy = 26.0
ITERATIONS = 500
PEER = Path(__file__).with_name("optimise_plan_peer.py")
GOALS = {  # kind, dose, priority
    "CTV": ("deviation", PRESCRIBED_Gy, 1000.0),
    "BLADDER": ("overdose", 0.5 * PRESCRIBED_Gy, 100.0),
    "RECTUM": ("overdose", 0.4 * PRESCRIBED_Gy, 100.0),
    "FEMURS": ("overdose", 0.4 * PRESCRIBED_Gy, 100.0),
    "BODY": ("overdose", 0.2 * PRESCRIBED_Gy, 20.0),
}


def structures(spacing_mm):
    """Masks of the synthetic pelvis by name: target, bladder in front, rectum behind, two femurs, body."""
    shape = tuple(round(s / spacing_mm) for s in SIZE_MM)
    x, y, z = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * spacing_mm for n in shape], indexing="ij")
    return {
        "CTV": (x / 22) ** 2 + (y / 18) ** 2 + (z / 20) ** 2 <= 1,
        "BLADDER": (x / 35) ** 2 + ((y + 40) / 25) ** 2 + ((z - 12) / 28) ** 2 <= 1,
        "RECTUM": x**2 + (y - 30) ** 2 <= 14**2,
        "FEMURS": (np.abs(x) - 100) ** 2 + y**2 <= 22**2,
        "BODY": (x / 165) ** 2 + (y / 105) ** 2 <= 1,
    }


def ours(folder, value, iterations):
    """One search on the peer's matrix: when it had the peer's value, and where it ended."""
    from scipy import sparse

    from gemel.engines import optimise

    matrix = sparse.csc_matrix(sparse.load_npz(folder / "matrix.npz"))
    kinds = {"deviation": optimise.SquaredDeviation, "overdose": optimise.SquaredOverdose}
    goals = [
        kinds[goal["kind"]](np.load(folder / f"rows_{goal['rows']}.npy"), goal["dose_Gy"], goal["priority"])
        for goal in json.loads((folder / "objectives.json").read_text())
    ]
    dose = matrix @ np.load(folder / "weights.npy")
    same = sum(optimise.value_and_gradient(goal, dose)[0] for goal in goals)
    optimise.plan(matrix, goals, search=optimise.Search(max_iterations=100))  # compiled, or loaded from the cache, outside the clock
    reached = []

    def note(iteration, now):
        if now <= value and not reached:
            reached.append((iteration, time.perf_counter() - began, time.process_time() - worked))

    search = optimise.Search(decrease=1e-6, cosine=1e-3, max_iterations=iterations, progress=note)
    began, worked = time.perf_counter(), time.process_time()
    result = optimise.plan(matrix, goals, search=search)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - worked
    peak_GB = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    row = {"iterations": result.iterations, "value": result.value, "status": result.status, "wall_s": wall_s, "cpu_s": cpu_s}
    return {**row, "peer_value_here": same, "reached": reached[0] if reached else None, "peak_GB": peak_GB}


def compared(python, spacing_mm, repeats, iterations):
    """Both in turn, in processes of their own; the medians."""
    with tempfile.TemporaryDirectory() as name:
        theirs, mine = [], []
        for _ in range(repeats):
            theirs.append(_json([python, str(PEER), str(spacing_mm), str(ITERATIONS), name]))
            mine.append(_json([sys.executable, __file__, "--one", name, str(theirs[-1]["value"]), str(iterations)]))
    return theirs, mine


def _json(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[1]} failed: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.splitlines()[-1])


def report(spacing_mm, theirs, mine):
    """Medians and their ratio, in lines."""
    peer, wall, cpu = theirs[-1], statistics.median(t["wall_s"] for t in theirs), statistics.median(t["cpu_s"] for t in theirs)
    print(
        f"pyRadPlan {spacing_mm:g} mm: value {peer['value']:.3f} after {peer['iterations']} iterations, {wall:.2f} s ({cpu:.2f} s CPU)",
        end="",
    )
    print(f", peak {peer['peak_GB']:.2f} GB; {peer['message']}")
    own = mine[-1]
    print(f"gemel     {spacing_mm:g} mm: the peer's weights have value {own['peer_value_here']:.3f} here")
    if any(m["reached"] is None for m in mine):
        print(f"          value {own['value']:.3f} after {own['iterations']} iterations: the peer's is not reached; {own['status']}")
        return
    iteration = own["reached"][0]
    at, worked = (statistics.median(m["reached"][k] for m in mine) for k in (1, 2))
    print(f"          its value after {iteration} iterations, {at:.2f} s ({worked:.2f} s CPU); peak {own['peak_GB']:.2f} GB")
    print(f"          at the end {own['value']:.3f}, {own['iterations']} iterations, {own['wall_s']:.2f} s; {own['status']}")
    ratios = (at / wall, worked / cpu, own["peak_GB"] / peer["peak_GB"])
    print("          ratio of wall time {:.3f}, of CPU time {:.3f}, of peak memory {:.2f}".format(*ratios), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", help="interpreter with pyRadPlan installed")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=2000, help="cap of gemel's search")
    parser.add_argument("--one", nargs=3, metavar=("FOLDER", "VALUE", "ITERATIONS"), help="one search, as JSON (used by itself)")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(ours(Path(arguments.one[0]), float(arguments.one[1]), int(arguments.one[2]))))
        return
    if not arguments.peer_python:
        sys.exit("pass --peer-python: the matrix and the value to be reached are the peer's")
    for spacing_mm in (5.0, 3.0):
        report(spacing_mm, *compared(arguments.peer_python, spacing_mm, arguments.repeats, arguments.iterations))


if __name__ == "__main__":
    main()
