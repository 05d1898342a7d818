"""Claim: potentials at 128³ in about ten steps and a few seconds, hardly more steps than at 32³; elasticity of 64³ voxels in about two.

    python benchmarks/multigrid.py [--sizes 32 64 128] [--solid 32 64] [--plain]

Prints steps, wall and processor seconds (set-up of the grids in), beside conjugate gradients with the diagonal alone (`--plain`), which is
what voxel programs without multigrid do. scikit-fem with smoothed aggregation took 43 steps and 62 s (assembly in) for 64³ of porous bone,
plain conjugate gradients without a matrix 233 steps and 9.1 s for 64³ of solid: cited, not run here.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np

from gemel.engines.conjugate_gradients import conjugate_gradients
from gemel.engines.fem.elasticity import Fixed, border, solid, solved
from gemel.engines.pde import at_rest, michaelis_menten
from gemel.engines.pde.advection import Medium, transport
from gemel.engines.pde.domain import domain
from gemel.engines.pde.elliptic import Held, System, field, system
from gemel.engines.pde.flow import darcy
from gemel.engines.pde.multigrid import cycle

Found = TypeVar("Found")


def timed(work: Callable[[], Found]) -> tuple[Found, str]:
    """What it gives, and its times in words."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, f"{time.perf_counter() - wall:.2f} s wall, {time.process_time() - cpu:.2f} s processor"


def tissues(n: int) -> dict[str, np.ndarray]:
    r2 = (((np.indices((n, n, n)) - (n - 1) / 2) / (n / 2)) ** 2).sum(axis=0)
    rough = np.exp(1.5 * np.random.default_rng(0).normal(size=r2.shape))
    return {"even": np.ones(r2.shape), "ten to one": np.where(r2 < 0.4, 10.0, 1.0), "log-normal by voxel, sd 1.5": rough}


def potentials(n: int, plain: bool) -> None:
    """A ball between a source and a sink, walls all round; to 1e-8."""
    place = (np.indices((n, n, n)) - (n - 1) / 2) / (n / 2)
    mask = (place**2).sum(axis=0) < 0.95
    on = domain(mask, 1.0)
    right = field((np.where(place[0] > 0.5, 1.0, 0.0) - np.where(place[0] < -0.5, 1.0, 0.0)) * mask, on, "q", signed=True)

    def by_cycle(of: System) -> Callable[[np.ndarray], np.ndarray]:
        return partial(cycle, of.grids)

    def by_diagonal(of: System) -> Callable[[np.ndarray], np.ndarray]:
        inverse = np.divide(1.0, of.whole, out=np.zeros_like(of.whole), where=of.whole > 0)
        return lambda r: r * inverse

    for name, K in tissues(n).items():
        for how, by in {"multigrid": by_cycle, **({"diagonal": by_diagonal} if plain else {})}.items():

            def solve(K: np.ndarray = K, by: Callable = by) -> int:
                of = system(on, K, 0.0, None)
                return conjugate_gradients(of.times, by(of), right, tolerance=1e-8, most=5000).iterations

            steps, took = timed(solve)
            print(f"potential {n}³, {name}, {how}: {steps} steps, {took}")


def rest(n: int) -> None:
    """Oxygen between vessels at 7 in 10,000 voxels of 20 µm, consumption of Michaelis and Menten."""
    mask, vessels = np.ones((n, n, n), dtype=bool), np.random.default_rng(0).random((n, n, n)) < 0.0007
    _, took = timed(lambda: at_rest(mask, 0.02, 2e-3, michaelis_menten(15.0, 2.5), held=vessels, supply=40.0))
    print(f"oxygen at rest {n}³: {took}")


def infusion(n: int) -> None:
    """5 µL/min for 12 h into a porosity of 0.2."""
    r = np.sqrt(((np.indices((n, n, n)) - n // 2) ** 2).sum(axis=0))
    held, source = Held(r >= n // 2 - 1), np.where(r == 0, 5 / 60, 0.0)
    flow, took = timed(lambda: darcy(domain(r < n // 2, 1.0), 1.0, source=source, held=held))
    print(f"pressure of an infusion {n}³: {took}")
    found, took = timed(lambda: transport(flow, Medium(0.2, 1e-4, open=held.where, source=source), t_s=np.array([12 * 3600.0])))
    off = float((found.held + found.lost + found.left)[0] / found.given[0] - 1)
    print(f"12 h of infusion {n}³: {took}; balance to {abs(off):.0e}")


def elastic(n: int, poisson: float) -> None:
    """A stiff ball, five to one, that swells in a box; to 1e-6."""
    r = np.sqrt((((np.indices((n, n, n)) - (n - 1) / 2) / n) ** 2).sum(axis=0))
    of = solid(np.where(r < 0.26, 20.0, 4.0), poisson, 1.0)
    push = np.where(r < 0.2, 1.0, 0.0)
    (_, how), took = timed(lambda: solved(of, Fixed(border(of)), pressure_kPa=push, force_mN=0.0, tolerance=1e-6))
    print(f"elasticity {n}³ voxels, {3 * (n + 1) ** 3:,} unknowns, ν {poisson}: {how.iterations} steps, {took}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--solid", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--plain", action="store_true")
    asked = parser.parse_args()
    potentials(8, False)
    elastic(8, 0.3)
    infusion(9)
    print("(compiled)")
    for n in asked.sizes:
        potentials(n, asked.plain)
        rest(n)
    infusion(asked.sizes[-1] // 2)
    for n in asked.solid:
        for poisson in (0.3, 0.45):
            elastic(n, poisson)


if __name__ == "__main__":
    main()
