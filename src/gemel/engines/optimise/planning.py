"""Spot weights that minimise objectives of the dose, within hard limits, in one scenario or robustly over many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.optimise.columns import Matrix
from gemel.engines.optimise.filtering import Deliverable, deliverable
from gemel.engines.optimise.holding import held_to
from gemel.engines.optimise.limits import Violation, verdict, violations
from gemel.engines.optimise.objectives import asked_Gy
from gemel.engines.optimise.problem import Problem, curvature, dose_Gy, evaluate
from gemel.engines.optimise.search import Search, Trail, from_scratch, in_rounds, trail_of
from gemel.engines.optimise.setup import Goal, Measure, Scenario, build, objective_of, start_weights
from gemel.engines.optimise.solver import Box, Minimum, non_negative

Robustness = Literal["expected", "worst_case", "cvar"]
USUAL = Search()
UNFINISHED = ("cap", "time", "empty")  # endings that do not show what can be held


@dataclass(frozen=True)
class PlanResult:
    """Weights in 1e6 protons a spot, the objective's value there, why the search ended, and after how many iterations.

    `value` is that of the packed rows (`packing`: doses within about 1e-6 of themselves), without smoothing of a maximum and without the
    hard limits; when `sampled` < 1, limiting regions were judged in the scenarios on that share of their voxels. `scenario_values`: the
    robust penalty of each scenario. `violations`: how each limit stands. `dropped`: spots that the least weight cost, and
    `price`: by how much it raised the value.
    """

    weights: Float[Array, "spots"]
    value: float
    status: str
    iterations: int
    converged: bool
    scenario_values: Float[Array, "scenarios"]
    violations: tuple[Violation, ...] = ()
    sampled: float = 1.0
    dropped: int = 0
    price: float = 0.0


def plan(
    influence: Matrix,
    objectives: Iterable[Goal],
    *,
    scenarios: Iterable[Scenario] | None = None,
    start: Float[Array, "spots"] | None = None,
    robust: Robustness = "worst_case",
    search: Search = USUAL,
) -> PlanResult:
    """Weights w ≥ 0 (1e6 protons) with the least f(A·w); A is `influence`, voxels x spots in Gy per 1e6 protons.

    `objectives`: penalties and, as `Limit`, what must be held; limits that are not are a status that names them, not an error.
    `scenarios`: matrices, or (matrix, probability), of the same shape, the nominal one among them if it is to count; a generator keeps
    one full matrix in memory at a time (what stays is 4 bytes a non-zero of the judged rows, at most `search.memory_GB` where thinning
    regions that only limit dose can do it). Robust objectives become Σ p·f(A_s w) ("expected"), max f(A_s w) ("worst_case",
    composite: Fredriksson et al. 2011, Med Phys 38:1672) or the mean of the worst tail ("cvar"); the others are judged on
    `influence`. The maximum is smoothed in rounds, see `robustness.tail_mean`. `start`: a plan to go on from; without it, equal weights.
    Spots that reach no judged voxel get weight 0.
    Raises InputError, RangeError or GeometryError for what cannot be planned on, a least weight that no spot reaches among it; not to
    converge is a status, not an error.
    """
    tails = {"expected": 1.0, "worst_case": 0.0, "cvar": search.tail_fraction}
    if robust not in tails:
        raise RangeError(f"robust = {robust!r}", where="optimise.plan", remedy=f"choose one of {', '.join(tails)}")
    objectives = tuple(objectives)
    problem = build(influence, objectives, scenarios, Measure(tails[robust], 1e9 * search.memory_GB))
    weights = np.where(curvature(problem) > 0, start_weights(problem, objectives, start), 0.0)
    trail = trail_of(replace(problem, held=()), search)
    box = non_negative(problem.n_spots)
    first = from_scratch if start is None else in_rounds
    problem, found = held_to(problem, weights, trail, box) if problem.held else (problem, first(problem, weights, trail, box))
    free = _result(problem, _told_empty(found, objectives), search)
    if search.min_weight <= 0:
        return free
    kept = deliverable(found.x, search.min_weight, partial(_again, problem, trail.after(found.iterations)))
    last = _told_empty(_joined(found, kept), objectives)
    return _filtered(_result(problem, last, search, unheld=_unheld_filtered(free, found, last)), kept, free.value)


def _again(problem: Problem, trail: Trail, weights: Float[Array, "spots"], box: Box, done: int) -> Minimum:
    return in_rounds(problem, weights, trail.after(done), box, warm=True)


def _joined(found: Minimum, kept: Deliverable) -> Minimum:
    return replace(kept.last, x=kept.weights, iterations=found.iterations + kept.iterations)


def _filtered(result: PlanResult, kept: Deliverable, before: float) -> PlanResult:
    price = result.value - before
    text = f"{result.status}; {kept.dropped} spots below the least weight dropped, value {price:+.3g}"
    return replace(result, status=text, dropped=kept.dropped, price=price)


def _told_empty(found: Minimum, goals: Sequence[Goal]) -> Minimum:
    """No weight at all is not where a search has converged when dose is asked for, as by an objective of weight 0."""
    asks = any(asked_Gy(objective_of(goal)) > 0 for goal in goals)
    return replace(found, ending="empty") if found.converged and asks and not found.x.any() else found


def _unheld(found: Minimum) -> str:
    """What broken limits are called: a search that was stopped early has not shown that they cannot be held."""
    return "limits not yet held" if found.ending in UNFINISHED else "infeasible"


def _unheld_filtered(free: PlanResult, found: Minimum, last: Minimum) -> str:
    """The same with a least weight: that is named as the cause only where the plan without it holds them."""
    if any(violation.broken for violation in free.violations):
        return _unheld(found)
    return f"limits not {'yet ' if last.ending in UNFINISHED else ''}held with the least weight"


def _result(problem: Problem, found: Minimum, search: Search, *, unheld: str = "") -> PlanResult:
    value, _, penalties = evaluate(replace(problem, held=()), found.x)
    standing = violations(problem.held, dose_Gy(problem, found.x)) if problem.held else ()
    broken = verdict(standing, unheld or _unheld(found))
    text = f"{broken}; {_status(found, search)}" if broken else _status(found, search)
    if problem.sampled < 1:
        text += f"; limiting regions judged on {problem.sampled:.3g} of their voxels in the scenarios (memory_GB)"
    converged = found.converged and not broken
    return PlanResult(found.x, value, text, found.iterations, converged, penalties, standing, problem.sampled)


def _status(found: Minimum, search: Search) -> str:
    if found.ending == "met":
        return "converged: every objective is met"
    if found.ending == "converged":
        tests = f"relative decrease below {search.decrease:.0e} an iteration and projected gradient below {search.cosine:.0e}"
        return f"converged: {tests}"
    if found.ending == "time":
        return f"stopped at the limit of {search.seconds:g} s, not converged: allow more seconds or go on from these weights"
    if found.ending == "cap":
        return f"stopped at the cap of {search.max_iterations} iterations, not converged: raise max_iterations or go on from these weights"
    if found.ending == "empty":
        return "stopped without any dose, though dose is asked for: give an objective that asks for it a positive weight"
    return "stopped at rounding error: no lower value is found along the gradient"
