"""Claim: the virtual patient grown by TumorGrowthToolkit, by its rules: cells within 1 %, volumes within 2 %, Dice over 0.98.

    python benchmarks/tumor_growth_toolkit.py [--data ../shared/data]

Its rules: a clipped Gaussian at the seed, no faces where white and grey matter are under 0.1, the arithmetic mean of D at faces, forward
Euler with 8 D t/h² + 100 steps. Here: `pde.solve(..., pde.arithmetic_faces(D), ..., dt_days=dt, order=1)`. Beside it the engine's own
harmonic faces, and its own steps, which have no error in time. Wall times are those of one run; the peer's, of 128³, are in pde_step.py.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np

from gemel.core.structures import dice
from gemel.engines import pde

D_WHITE_mm2_d, RATIO, K_1_d, H_mm, SEED = 0.13, 5.0, 0.025, 2.0, (64, 72, 49)


def read(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj, dtype=np.float64)


def anatomy(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start, brain, diffusivity."""
    gray, white = (read(folder / f"mni152_2mm_{tissue}.nii.gz") / 255 for tissue in ("gm", "wm"))
    r2 = ((np.indices(gray.shape) - np.array(SEED)[:, None, None, None]) ** 2).sum(axis=0) * H_mm**2
    start = 250 / (20 * np.pi) ** 1.5 * np.exp(-r2 / 20)
    brain = gray + white >= 0.1
    return np.where((start > 0.1) & brain, np.minimum(start, 1.0), 0.0).astype(np.float32), brain, D_WHITE_mm2_d * (white + gray / RATIO)


def row(name: str, u: np.ndarray, labels: np.ndarray, asked: dict[str, float]) -> bool:
    """Prints ratios and overlaps; whether they are within what is asked."""
    cells = u.sum(dtype=np.float64) * H_mm**3 / asked["cells_mm3"]
    volumes = [np.count_nonzero(u > level) * H_mm**3 / asked[key] for level, key in ((0.16, "vol16_mm3"), (0.80, "vol80_mm3"))]
    overlap = [dice(u > level, labels >= label) for level, label in ((0.16, 1), (0.80, 2))]
    print(f"  {name:34s} cells {cells:.4f}  volumes {volumes[0]:.4f} {volumes[1]:.4f}  Dice {overlap[0]:.4f} {overlap[1]:.4f}")
    return abs(cells - 1) < 0.01 and max(abs(v - 1) for v in volumes) < 0.02 and min(overlap) > 0.98


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    folder = parser.parse_args().data / "tumor"
    start, brain, D = anatomy(folder)
    asked, good = json.loads((folder / "tgt_case.json").read_text())["results"], True
    for day in (300, 360, 420):
        count = day * D_WHITE_mm2_d / H_mm**2 * 8 + 100
        dt, end = day / count, int(np.ceil(count)) * day / count
        labels = read(folder / f"tgt_case_day{day}_seg.nii.gz")
        print(f"day {day}, steps of {dt:.3f} d")
        for name, of, order in (
            ("its faces, Euler", pde.arithmetic_faces(D), 1),
            ("harmonic faces, Euler", D, 1),
            ("harmonic faces, third order", D, 3),
        ):
            begun = time.perf_counter()
            u = pde.solve(start, brain, H_mm, of, pde.logistic(K_1_d), [end], dt_days=dt, order=order)[0]
            within = row(f"{name} ({time.perf_counter() - begun:.2f} s)", u, labels, asked[str(day)])
            good &= within or order != 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
