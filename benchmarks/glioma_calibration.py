"""Claim: four parameters of a treated glioma from five visits in at most 15 s, a step of Levenberg–Marquardt in at most 1 s.

    python benchmarks/glioma_calibration.py [--steps 20]

A crop of 77 × 116 × 36 voxels of 1.5 × 1.5 × 3 mm, 120 days, 30 fractions of 2 Gy and 74 doses of a drug, five visits without noise,
from (k, D, α, sensitivity) = (0.05, 0.025, 0.025, 0.5) to a truth of (0.1, 0.05, 0.05, 0.2). Prints errors, wall and processor time, and
ratios to TumorTwin's stored times for the set-up of its tutorial on two cores (35.5 s a step, 67 s of processor; 12 min for 20
steps; errors of 0.0021, 0.0007, 0.006 and 0.0302 %: arXiv 2505.00670). Its patient may not be handed on: the anatomy here is made up.
"""

import argparse
import sys
import time

import numba
import numpy as np

from gemel.core.image import Image
from gemel.systems.glioma.field import Invasion, Therapy, forward
from gemel.systems.glioma.field_calibrate import NAMES, Cells, calibrated
from gemel.systems.glioma.growth import DRUG_1_d
from gemel.systems.glioma.tissue import Tissue, tissue

SHAPE, SPACING_mm, VISITS_d = (77, 116, 36), (1.5, 1.5, 3.0), (30.0, 60.0, 75.0, 90.0, 120.0)
TRUE, FIRST = Invasion(0.05, 1.0, 0.1, 0.05, 0.2 / DRUG_1_d), Invasion(0.025, 1.0, 0.05, 0.025, 0.5 / DRUG_1_d)
PEER_STEP_S, PEER_STEP_CPU_S, PEER_WHOLE_S = 35.5, 67.0, 720.0


def course() -> Therapy:
    """Six weeks of radiotherapy with a daily drug, then cycles of five days."""
    weeks = [20.0 + 7 * week + day for week in range(6) for day in range(5)]
    drug = [20.0 + day for day in range(42)] + [
        76.0 + 28 * cycle / 4 + day for cycle in range(7) for day in range(5) if 76 + 7 * cycle + day < 120
    ]
    return Therapy(tuple(t + 0.4 for t in weeks), 2.0, tuple(t + 0.3 for t in drug[:74]))


def anatomy() -> tuple[Tissue, np.ndarray]:
    """An ellipsoid of brain, and a ball of cells with a soft edge."""
    x, y, z = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * h for n, h in zip(SHAPE, SPACING_mm)], indexing="ij")
    brain = ((x / 56) ** 2 + (y / 85) ** 2 + (z / 52) ** 2 < 1).astype(np.float32)
    grid = Image(np.zeros(SHAPE, dtype=np.float32), np.diag([*SPACING_mm, 1.0]))
    of = tissue(Image(brain, grid.affine_mm), Image(0 * brain, grid.affine_mm))
    return of, (0.8 * brain / (1 + np.exp((np.sqrt(x**2 + y**2 + z**2) - 14) / 3))).astype(np.float32)


def main() -> None:
    """The recovery, timed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    steps, say = parser.parse_args().steps, sys.stdout.write
    (of, start), therapy = anatomy(), course()
    fields = forward(of, start, TRUE, t_days=VISITS_d, therapy=therapy)
    visits = [Cells(t, u, 0.01) for t, u in zip(VISITS_d, fields)]
    calibrated(of, start, visits[:1], first=FIRST, therapy=therapy, steps=1)  # compiles
    wall, cpu = time.perf_counter(), time.process_time()
    found = calibrated(of, start, visits, first=FIRST, therapy=therapy, steps=steps)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    taken = len(found.costs) - 1
    given = f"{len(therapy.fractions_d)} fractions, {len(therapy.drug_d)} doses"
    say(f"{int(of.mask.sum())} voxels, {given}, {numba.get_num_threads()} threads\n")
    for name in NAMES:
        value, sd = getattr(found.invasion, name), found.ln_sd()[name]
        say(f"{name:14} {value:.6g}, error {100 * abs(value / getattr(TRUE, name) - 1):.4f} %, sd {100 * sd:.4f} %\n")
    say(f"calibration: {taken} steps, {wall:.2f} s wall, {cpu:.2f} s of processor; a step {wall / taken:.2f} s, {cpu / taken:.2f} s\n")
    say(f"against TumorTwin: a step {PEER_STEP_S / (wall / taken):.0f}x (processor {PEER_STEP_CPU_S / (cpu / taken):.0f}x)")
    say(f", the whole {PEER_WHOLE_S / wall:.0f}x\n")


if __name__ == "__main__":
    main()
