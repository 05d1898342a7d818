"""Claim: explicit steps of growth and diffusion at two thousand million voxels a second on two cores, 100 days at 128³ in under 0.3 s.

    python benchmarks/pde_step.py [--sizes 128 256] [--repeats 5] [--peer FOLDER]

Prints, of wall and of processor time: updates a second of the fused stages beside a triad over arrays of the same size; 100 days at 128³
and 120 days of a crop with and without treatment; the gradient of four parameters and a field in forward runs; many runs side by side.
A step of three stages moves 24 bytes a voxel of main memory (u, three conductances, u' fetched and written), three stages each in its own
pass would move 80: the bandwidth printed is of the latter, what the caches spare is in it. TumorGrowthToolkit (MIT) is run beside where a
clone of it is given, on the same tissue; else its time on two quiet cores (7.6 s) and that of TumorTwin (46 s) are cited.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, no_type_check

import numba
import numpy as np
from numba import njit, prange

from gemel.engines import pde
from gemel.engines.pde.domain import domain
from gemel.engines.pde.problem import conductances, problem
from gemel.engines.pde.stepping import stepping

BYTES = (24 + 28 + 28) / 3  # a stage of three, each in its own pass
CROP, CROP_MM, CROP_D, CROP_K = (77, 116, 36), (1.5, 1.5, 3.0), 0.025, 0.05


@njit(parallel=True)
@no_type_check
def triad(a, b, c):
    """a = b + 2 c, 16 bytes an element with the write's fetch."""
    for i in prange(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = b[i, j] + np.float32(2.0) * c[i, j]


def best(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Least wall and processor seconds, after one run that compiles."""
    work()
    found = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(w for w, _ in found), min(c for _, c in found)


def kernel(n: int, mask: np.ndarray, repeats: int) -> None:
    """Updates a second of the fused stages over a mask."""
    on, steps = domain(mask, 1.0), 6
    of = problem(conductances(on, np.full(mask.shape, 0.1), 1, np.float32), pde.logistic(0.05), 1.0, (np.float32, 3))
    advance, forced = stepping(of), np.zeros((steps, 1), dtype=np.float32)
    fields = (np.float32(0.1) * on.inside, np.zeros(on.inside.shape, dtype=np.float32))
    wall, cpu = best(lambda: advance(fields, 1.0, forced), repeats)
    updates = 3 * steps * int(mask.sum()) / 1e9
    line = np.zeros((3, n, n * n), dtype=np.float32)
    bandwidth = 16e-9 * line[0].size / best(lambda: triad(*line), 3 * repeats)[0]
    print(f"{n}³, {mask.mean():.0%} in the mask: {updates / wall:.2f} GLUP/s wall, {updates / cpu:.2f} a processor second,", end=" ")
    print(f"{BYTES * updates / wall:.1f} GB/s beside a triad of {bandwidth:.1f} GB/s: {BYTES * updates / wall / bandwidth:.0%}")


def balls(n: int) -> tuple[np.ndarray, np.ndarray]:
    """r² and a small bump in the middle."""
    r2 = ((np.indices((n, n, n), dtype=np.float32) - n / 2) ** 2).sum(axis=0)
    return r2 / (n / 2) ** 2, np.exp(-r2 / 20).astype(np.float32)


def hundred_days(repeats: int, peer: str) -> None:
    """The peers' case: a white ball of D 0.1, gray around it to r < 0.9 or to the end of the box, of 0.01; k 0.05."""
    r2, start = balls(128)
    field = np.where(r2 < 0.5, 0.1, 0.01)
    other = beside(peer, r2) if peer else 7.6
    for name, mask in (("to r < 0.9", r2 < 0.81), ("to the end", r2 < 9)):
        wall, cpu = best(lambda mask=mask: pde.solve(start * mask, mask, 1.0, field, pde.logistic(0.05), [100.0]), repeats)
        print(f"100 days at 128³, gray {name}, all in: {wall:.2f} s wall, {cpu:.2f} s processor;", end=" ")
        print(
            f"TumorGrowthToolkit {other:.1f} s: {other / wall:.0f} × ({other / cpu:.0f} × of processor); TumorTwin 46 s: {46 / wall:.0f} ×"
        )


def beside(folder: str, r2: np.ndarray) -> float:
    """Wall seconds of TumorGrowthToolkit on the same tissue, gray to r < 0.9."""
    sys.path.insert(0, folder)
    from TumorGrowthToolkit.FK import Solver

    white, gray = (r2 < 0.5) * 1.0, ((r2 >= 0.5) & (r2 < 0.81)) * 1.0
    asked = {"Dw": 0.1, "rho": 0.05, "RatioDw_Dg": 10.0, "gm": gray, "wm": white, "stopping_time": 100, "resolution_factor": 1.0}
    solver = Solver(asked | {"NxT1_pct": 0.5, "NyT1_pct": 0.5, "NzT1_pct": 0.5})
    return best(solver.solve, 1)[0]


def treatment(alpha_1_Gy: float) -> tuple[Any, ...]:
    """30 × 2 Gy and 74 doses of a drug, as TumorTwin's demo."""
    fractions = (pde.linear_quadratic(30.0 + 7 * (n // 5) + n % 5, 2.0, alpha_1_Gy, alpha_1_Gy / 10) for n in range(30))
    return (*fractions, pde.Exposure(tuple(30.0 + n for n in range(74)), (1.0,) * 74, 9.242, 0.5))


def crop(repeats: int) -> None:
    """120 days of the demo-size crop, its gradient, and many runs of it."""
    place = np.indices(CROP) - np.array(CROP)[:, None, None, None] / 2
    start, mask = (0.5 * np.exp(-(place**2).sum(axis=0) / 60)).astype(np.float32), np.ones(CROP, dtype=bool)
    bare = (start, mask, CROP_MM, CROP_D, pde.logistic(np.full(CROP, CROP_K)), [30.0, 60.0, 90.0, 120.0])
    for name, events in (("without", ()), ("with treatment", treatment(0.025))):
        wall, cpu = best(lambda events=events: pde.solve(*bare, events), repeats)
        print(f"120 days of {CROP}, {name}: {wall:.3f} s wall, {cpu:.3f} s processor; TumorTwin 5.6 s: {5.6 / wall:.0f} ×")
    back, back_cpu = best(lambda: pde.gradient(*bare, lambda u: (float(u.sum()), np.ones_like(u)), treatment(0.025)), repeats)
    print(
        f"  gradient by D, α, β, sensitivity and a field of k: {back:.2f} s, {back / wall:.1f} runs ({back_cpu / cpu:.1f} of processor);",
        end=" ",
    )
    print(f"TumorTwin 18.8 s for one number: {18.8 / back:.0f} ×")
    rng = np.random.default_rng(0)
    drawn = zip(rng.uniform(0.03, 0.07, 16), rng.uniform(0.5, 2.0, 16), rng.uniform(0.02, 0.05, 16))
    draws = [pde.Draw(pde.logistic(k), scale, treatment(alpha)) for k, scale, alpha in drawn]
    keep = lambda u: (u > 0.16).sum()  # noqa: E731
    for dt in (None, 0.5):
        wall, cpu = best(lambda dt=dt: pde.solve_many(start, mask, CROP_MM, CROP_D, draws, [120.0], keep, dt), 1)
        print(f"  many runs, steps {dt or 'chosen'}: {wall / 16:.3f} s wall each, {cpu / 16:.3f} s processor;", end=" ")
        print(f"13,440: {13440 * wall / 16 / 60:.0f} min")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer", default="", help="folder of a clone of TumorGrowthToolkit")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore", message="the grid is coarse")
    print(f"{numba.get_num_threads()} threads")
    for n in asked.sizes:
        r2, _ = balls(n)
        for mask in (np.ones((n, n, n), dtype=bool), r2 < 0.81):
            kernel(n, mask, asked.repeats)
    hundred_days(asked.repeats, asked.peer)
    crop(asked.repeats)


if __name__ == "__main__":
    main()
