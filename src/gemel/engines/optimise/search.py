"""How a problem is searched: in stages on what still matters of it, and for a worst case in rounds with a sharper and sharper maximum."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.optimise.problem import Problem, curvature, evaluate
from gemel.engines.optimise.reducing import coarse, shrunk
from gemel.engines.optimise.solver import Box, Minimum, Progress, Rule, minimise, projected_gradient

Clock = Callable[[], float]

ROUNDS = ((0.1, 40), (0.03, 60), (0.01, None))  # temperature as a share of the worst penalty, and most iterations, of each round
FLOOR = 1e-9  # share of the penalty of no dose at all below which an objective counts as met
FIRST_STAGE = 30  # iterations; each stage is twice as long as the one before
FIRST_SEARCH = 210  # iterations at most on part of the rows: three stages
WORTH = 500_000  # non-zeros from which leaving some out pays for finding out which


@dataclass(frozen=True)
class Search:
    """How a plan is searched, and who is told of each step.

    `decrease`, `cosine`: the two tests of `solver.Rule`; `max_iterations` and `seconds` (of `clock`, such as time.monotonic) cap it.
    `tail_fraction`: what CVaR averages. `memory_GB`: of the rows of all scenarios, see `stacking`. `min_weight`: least weight of a spot
    that is delivered, in 1e6 protons.
    """

    decrease: float = 1e-4
    cosine: float = 1e-2
    max_iterations: int = 500
    tail_fraction: float = 0.2
    progress: Progress | None = None
    seconds: float | None = None
    clock: Clock | None = None
    memory_GB: float = 0.8
    min_weight: float = 0.0

    def __post_init__(self) -> None:
        limits = (("decrease", 0, 1), ("cosine", 0, 1), ("max_iterations", 0, np.inf), ("tail_fraction", 0, 1))
        for name, low, high in (*limits, ("memory_GB", 0, np.inf), ("min_weight", 0, np.finfo(float).max), ("seconds", 0, np.inf)):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise RangeError(f"{name} = {value}", where="optimise.Search", remedy=f"pass a number from {low} to {high}")
        if self.seconds is not None and self.clock is None:
            raise RangeError("seconds without a clock", where="optimise.Search", remedy="pass clock=time.monotonic")


@dataclass(frozen=True)
class Trail:
    """A search under way: its rule, with what is left of the cap, and the iterations done before."""

    rule: Rule
    progress: Progress | None
    done: int = 0

    def after(self, iterations: int) -> "Trail":
        """The trail that many iterations later."""
        return Trail(replace(self.rule, max_iterations=self.rule.max_iterations - iterations), self.progress, self.done + iterations)

    def at_most(self, iterations: int | None) -> "Trail":
        """The trail with a nearer cap."""
        if iterations is None:
            return self
        return replace(self, rule=replace(self.rule, max_iterations=min(self.rule.max_iterations, iterations)))

    def untold(self, iteration: int, value: float) -> None:
        """Pass on a step of a problem whose value is not that of the whole."""
        if self.progress is not None:
            self.progress(iteration, float("nan"))

    def told(self, iteration: int, value: float) -> None:
        """Pass on a step, numbered from the start of the search."""
        if self.progress is not None:
            self.progress(self.done + iteration, value)


def trail_of(problem: Problem, search: Search) -> Trail:
    """The rule of a whole search, its clock started."""
    floor = FLOOR * evaluate(problem, np.zeros(problem.n_spots))[0]
    return Trail(Rule(search.decrease, search.cosine, floor, search.max_iterations, _expiry(search)), search.progress)


def from_scratch(problem: Problem, weights: Float[Array, "spots"], trail: Trail, box: Box) -> Minimum:
    """A first search on part of the rows where there are many for a spot, then on all; of the first, progress is told no value (NaN)."""
    small = coarse(problem) if problem.rows.value.size >= WORTH else None
    if small is None:
        return in_rounds(problem, weights, trail, box)
    most = min(FIRST_SEARCH, trail.rule.max_iterations)
    rule = replace(trail.rule, decrease=max(trail.rule.decrease, 3e-4), max_iterations=most)
    found = in_rounds(small, weights, Trail(rule, trail.untold, trail.done), box)
    again = in_rounds(problem, found.x, trail.after(found.iterations), box, warm=True)
    return replace(again, iterations=found.iterations + again.iterations)


def in_rounds(problem: Problem, weights: Float[Array, "spots"], trail: Trail, box: Box, *, warm: bool = False) -> Minimum:
    """One search, or for a maximum over scenarios several, each with a sharper maximum and started from the one before.

    `warm`: from a minimum of almost the same problem, hence with the sharpest alone.
    """
    steepness = curvature(problem)
    scale = 1.0 / np.sqrt(np.where(steepness > 0, np.maximum(steepness, 1e-12 * steepness.max()), 1.0))
    sharp = problem.tail_fraction >= 1 or problem.probability.size == 1
    rounds = ((0.0, None),) if sharp else ROUNDS[-1:] if warm else ROUNDS
    done = 0
    for share, most in rounds:
        temperature = 0.0 if sharp else share * float(evaluate(problem, weights)[2].max())
        now = trail.after(done).at_most(most)
        found = in_stages(partial(_objective, temperature=temperature), problem, weights, replace(box, scale=scale), trail=now)
        weights, done = found.x, done + found.iterations
        if found.ending == "time":
            break
    return replace(found, iterations=done)


Objective = Callable[[Problem, Float[Array, "spots"]], tuple[float, Float[Array, "spots"]]]


def in_stages(objective: Objective, problem: Problem, weights: Float[Array, "spots"], box: Box, *, trail: Trail) -> Minimum:
    """A search in stages: on all, then each time without spots that stay at zero and rows far below their dose, checked on all.

    A stage that has made the whole worse, by rows that were left out, is forgotten, and the next one is on all again.
    """
    if problem.rows.value.size < WORTH:
        return minimise(partial(objective, problem), weights, box, rule=trail.rule, progress=trail.told)
    value, gradient = objective(problem, weights)
    length, done, whole = FIRST_STAGE, 0, True
    while True:
        left = trail.rule.max_iterations - done
        now = trail.after(done).at_most(left if left <= 2 * length else length)
        small, spots = _whole_or_shrunk(problem, weights, gradient, whole)
        found = minimise(partial(objective, small), weights[spots], box.of(spots), rule=now.rule, progress=now.told)
        spread = np.zeros(weights.size)
        spread[spots] = found.x
        reached, slope = objective(problem, spread)
        worse, done, length = reached > value, done + found.iterations, 2 * length
        if not worse:
            weights, value, gradient = spread, reached, slope
        ends = found.ending not in ("cap", "time") and not worse and (whole or _is_still(weights, gradient, value, trail.rule, box))
        if ends or found.ending == "time" or done >= trail.rule.max_iterations:
            return Minimum(weights, value, found.ending if ends or found.ending == "time" else "cap", done)
        whole = worse or found.iterations == 0


def _whole_or_shrunk(
    problem: Problem, weights: Float[Array, "spots"], gradient: Float[Array, "spots"], whole: bool
) -> tuple[Problem, Int[Array, "some"]]:
    if whole:
        return problem, np.arange(weights.size)
    spots = np.flatnonzero((weights > 0) | (gradient < 0))
    return shrunk(problem, weights, spots), spots


def _is_still(weights: Float[Array, "spots"], gradient: Float[Array, "spots"], value: float, rule: Rule, box: Box) -> bool:
    size = max(value, rule.floor)
    return bool(projected_gradient(weights / box.scale, gradient * box.scale, box.scaled()) <= rule.cosine * np.sqrt(2.0 * size))


def _objective(problem: Problem, weights: Float[Array, "spots"], *, temperature: float) -> tuple[float, Float[Array, "spots"]]:
    value, gradient, _ = evaluate(problem, weights, temperature=temperature)
    return value, gradient


def _expiry(search: Search) -> Callable[[], bool] | None:
    if search.seconds is None or search.clock is None:
        return None
    clock, end = search.clock, search.clock() + search.seconds
    return lambda: clock() >= end
