"""Claim: time and memory of the influence matrix grow in proportion to spots and to voxels; the dose without matrix needs one grid.

Synthetic pelvis of pencil_beam_matrix.py, two opposed beams. Spots: 5 mm grid, some left out evenly. Voxels: 5, 4, 3 and 2.5 mm with a
fixed number of spots. Prints a table with the slope of each log-log line (1 is linear) and writes a plot.
Run: python benchmarks/pencil_beam_scaling.py [--plot scaling.png] [--repeats N]; each case runs in a process of its own.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import numpy as np
from pencil_beam_matrix import pelvis

SPOTS = (0.1, 0.2, 0.4, 0.7, 1.0)
SPACINGS_MM = (5.0, 4.0, 3.0, 2.5)
FEW = 0.4


def one(spacing_mm, share, repeats, what):
    """CPU and wall time, non-zeros and peak memory of one case, as JSON."""
    from gemel.core import Image
    from gemel.devices.proton import Machine
    from gemel.engines.dose import forward, influence, place_spots

    values, _ = pelvis(spacing_mm)
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = [-(n - 1) / 2 * spacing_mm for n in values.shape]
    rsp, machine, iso = Image(values, affine), Machine.generic(), np.zeros(3)
    coarse, ball = pelvis(5.0)
    grid = np.diag([5.0] * 3 + [1.0])
    grid[:3, 3] = [-(n - 1) / 2 * 5.0 for n in coarse.shape]
    spots = np.concatenate([place_spots(Image(coarse, grid), ball, g, machine, iso) for g in (90.0, 270.0)])
    spots = spots[np.arange(len(spots)) * share % 1 < share] if share < 1 else spots
    weights = np.ones(len(spots), dtype=np.float32)

    def calculate():
        if what == "matrix":
            return influence(rsp, spots, machine, iso).nnz
        forward.dose(rsp, spots, weights, machine, iso)
        return 0

    warm = spots[:3]
    influence(rsp, warm, machine, iso)
    forward.dose(rsp, warm, np.ones(3), machine, iso)
    before_GB = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    walls, works = [], []
    for _ in range(repeats):
        began, worked = time.perf_counter(), time.process_time()
        entries = calculate()
        walls.append(time.perf_counter() - began)
        works.append(time.process_time() - worked)
    peak_GB = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    times = {"wall_s": statistics.median(walls), "cpu_s": statistics.median(works)}
    print(json.dumps({"spots": len(spots), "voxels": values.size, "nnz": entries, **times, "memory_GB": peak_GB - before_GB}))


def run(spacing_mm, share, repeats, what):
    """`one` in its own process."""
    command = [sys.executable, __file__, "--one", str(spacing_mm), str(share), what, "--repeats", str(repeats)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def slope(x, y):
    """Exponent of the power law through the points."""
    return float(np.polyfit(np.log(x), np.log(np.maximum(y, 1e-6)), 1)[0])


def series(name, rows, against):
    """Prints one series; returns it for the plot."""
    print(f"{name}\n{'spots':>7} {'voxels':>9} {'entries':>12} {'wall s':>7} {'CPU s':>7} {'memory GB':>9}")
    for row in rows:
        print("{spots:7d} {voxels:9d} {nnz:12d} {wall_s:7.3f} {cpu_s:7.3f} {memory_GB:9.3f}".format(**row))
    x = [row[against] for row in rows]
    slopes = {key: slope(x, [row[key] for row in rows]) for key in ("cpu_s", "memory_GB")}
    print(f"exponent against {against}: CPU time {slopes['cpu_s']:.2f}, memory {slopes['memory_GB']:.2f}\n")
    return name, against, rows


def plot(found, path):
    """Time and memory of every series against spots and voxels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(9, 7), constrained_layout=True)
    for name, against, rows in found:
        for line, key in enumerate(("cpu_s", "memory_GB")):
            axis = axes[line, int(against == "voxels")]
            axis.loglog([row[against] for row in rows], [row[key] for row in rows], "o-", label=name.split(",")[0])
            axis.set(xlabel=against, ylabel={"cpu_s": "CPU time in s", "memory_GB": "memory in GB"}[key])
            axis.legend()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plot", default="pencil_beam_scaling.png")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=3, metavar=("SPACING", "SHARE", "WHAT"), help="one case, as JSON (used by itself)")
    arguments = parser.parse_args()
    if arguments.one:
        one(float(arguments.one[0]), float(arguments.one[1]), arguments.repeats, arguments.one[2])
        return
    found = []
    for what in ("matrix", "dose"):
        rows = [run(3.0, share, arguments.repeats, what) for share in SPOTS]
        found.append(series(f"{what}, 3 mm, more spots", rows, "spots"))
        rows = [run(spacing, FEW, arguments.repeats, what) for spacing in SPACINGS_MM]
        found.append(series(f"{what}, same spots, more voxels", rows, "voxels"))
    plot(found, arguments.plot)
    print(f"plot: {arguments.plot}")


if __name__ == "__main__":
    main()
