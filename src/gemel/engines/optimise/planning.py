"""Spot weights that minimise objectives of the dose, in one scenario or robustly over many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.optimise.objectives import Objective
from gemel.engines.optimise.problem import Problem, curvature, evaluate
from gemel.engines.optimise.setup import Matrix, Scenario, build, start_weights
from gemel.engines.optimise.solver import Minimum, Progress, Rule, minimise

Robustness = Literal["expected", "worst_case", "cvar"]

ROUNDS = ((0.1, 40), (0.03, 60), (0.01, None))  # temperature as a share of the worst penalty, and most iterations, of each round
FLOOR = 1e-9  # share of the penalty of no dose at all below which an objective counts as met


@dataclass(frozen=True)
class PlanResult:
    """Weights in 1e6 protons a spot, the objective's value there, why the search ended, and after how many iterations.

    `value` is exact, also where the search smoothed a maximum; `scenario_values` holds the robust penalty of each scenario.
    """

    weights: Float[Array, "spots"]
    value: float
    status: str
    iterations: int
    converged: bool
    scenario_values: Float[Array, "scenarios"]


@dataclass(frozen=True)
class Search:
    """How a plan is searched: the two tests of `solver.Rule`, the cap, the tail that CVaR averages, and who is told of each step."""

    decrease: float = 1e-4
    cosine: float = 1e-2
    max_iterations: int = 500
    tail_fraction: float = 0.2
    progress: Progress | None = None

    def __post_init__(self) -> None:
        for name, low, high in (("decrease", 0, 1), ("cosine", 0, 1), ("max_iterations", 0, np.inf), ("tail_fraction", 0, 1)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise RangeError(f"{name} = {value}", where="optimise.Search", remedy=f"pass a number from {low} to {high}")


def plan(
    influence: Matrix,
    objectives: Sequence[Objective],
    *,
    scenarios: Iterable[Scenario] | None = None,
    start: Float[Array, "spots"] | None = None,
    robust: Robustness = "worst_case",
    search: Search = Search(),
) -> PlanResult:
    """Weights w ≥ 0 (1e6 protons) with the least f(A·w); A is `influence`, voxels x spots in Gy per 1e6 protons.

    `scenarios`: matrices, or (matrix, probability), of the same shape, the nominal one among them if it is to count; a generator keeps
    one full matrix in memory at a time (what stays is 8 bytes a non-zero of the judged rows). Robust objectives become Σ p·f(A_s w)
    ("expected"), max f(A_s w) ("worst_case", composite: Fredriksson et al. 2011, Med Phys 38:1672) or the mean of the worst tail
    ("cvar"); the others are judged on `influence`. The maximum is smoothed in rounds, see `robustness.tail_mean`.
    `start`: a plan to go on from; without it, equal weights. Spots that reach no judged voxel get weight 0.
    Raises InputError, RangeError or GeometryError for what cannot be planned on; not to converge is a status, not an error.
    """
    tails = {"expected": 1.0, "worst_case": 0.0, "cvar": search.tail_fraction}
    if robust not in tails:
        raise RangeError(f"robust = {robust!r}", where="optimise.plan", remedy=f"choose one of {', '.join(tails)}")
    problem = build(influence, objectives, scenarios, tail_fraction=tails[robust])
    steepness = curvature(problem)
    weights = np.where(steepness > 0, start_weights(problem, start), 0.0)
    scale = 1.0 / np.sqrt(np.where(steepness > 0, np.maximum(steepness, 1e-12 * steepness.max()), 1.0))
    found = _in_rounds(problem, weights, scale, search)
    value, _, penalties = evaluate(problem, found.x)
    return PlanResult(found.x, value, found.status, found.iterations, found.converged, penalties)


def _in_rounds(problem: Problem, weights: Float[Array, "spots"], scale: Float[Array, "spots"], search: Search) -> Minimum:
    """One search, or for a maximum over scenarios several, each with a sharper maximum and started from the one before."""
    floor = FLOOR * evaluate(problem, np.zeros(problem.n_spots))[0]
    sharp = problem.tail_fraction >= 1 or len(problem.scenarios) == 1
    done = 0
    for share, most in ((0.0, None),) if sharp else ROUNDS:
        temperature = share * float(evaluate(problem, weights)[2].max())
        left = search.max_iterations - done
        rule = Rule(search.decrease, search.cosine, floor, left if most is None else min(left, most))
        found = minimise(partial(_objective, problem, temperature), weights, scale, rule, _shifted(search.progress, done))
        weights, done = found.x, done + found.iterations
    return replace(found, iterations=done)


def _objective(problem: Problem, temperature: float, weights: Float[Array, "spots"]) -> tuple[float, Float[Array, "spots"]]:
    value, gradient, _ = evaluate(problem, weights, temperature=temperature)
    return value, gradient


def _shifted(progress: Progress | None, done: int) -> Progress | None:
    return None if progress is None else lambda iteration, value: progress(done + iteration, value)
