"""The outer loop of hard limits: minimise, look, press harder where a limit is not held, until all are or no more can be."""

from dataclasses import replace

from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.optimise.limits import Held, excess_Gy, tightened
from gemel.engines.optimise.problem import Problem, dose_Gy
from gemel.engines.optimise.search import Trail, in_rounds
from gemel.engines.optimise.solver import Box, Minimum

ROUNDS = 20
PATIENCE = 4  # rounds without the total excess falling by a tenth, each with four times the weight, after which limits are infeasible
PRESS = 10.0  # first weight of a limit, in the largest weights of an objective


def held_to(problem: Problem, weights: Float[Array, "spots"], trail: Trail, box: Box) -> tuple[Problem, Minimum]:
    """The problem with the last multipliers of its limits, and its minimum."""
    first = PRESS * max(problem.terms.over.max(initial=0.0) * problem.rows.n_rows, 1.0)
    problem = replace(problem, held=tuple(replace(one, weight=first) for one in problem.held))
    excess: list[float] = [float("inf")] * len(problem.held)
    totals: list[float] = []
    done = 0
    while True:
        found = in_rounds(problem, weights, trail.after(done), box, warm=done > 0)
        weights, done = found.x, done + found.iterations
        dose = dose_Gy(problem, weights)
        before, excess = excess, excess_Gy(problem.held, dose)
        totals.append(sum(max(0.0, e - one.limit.tolerance_Gy) for e, one in zip(excess, problem.held)))
        following = tightened(problem.held, dose, before)
        ended = totals[-1] == 0 or _is_hopeless(totals) or found.ending == "time"
        if ended or done >= trail.rule.max_iterations:
            found = replace(found, ending=found.ending if ended else "cap", iterations=done)
            return replace(problem, held=_with_shifts(problem.held, following)), found
        problem = replace(problem, held=following)


def _is_hopeless(totals: list[float]) -> bool:
    return len(totals) > ROUNDS or (len(totals) > PATIENCE and totals[-1] > 0.9 * totals[-1 - PATIENCE])


def _with_shifts(held: tuple[Held, ...], following: tuple[Held, ...]) -> tuple[Held, ...]:
    """Which limits press is known by the shifts that the next round would have; the weights stay those of this minimum."""
    return tuple(replace(one, shift_Gy=after.shift_Gy * (after.weight / one.weight)) for one, after in zip(held, following))
