"""The plan problem ready to be solved: the packed rows of all scenarios in one stack, the value and its gradient in the weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from gemel.core.image import Array
from gemel.engines.optimise.limits import Held, pressure
from gemel.engines.optimise.objectives import Objective
from gemel.engines.optimise.packing import Rows
from gemel.engines.optimise.penalties import penalty
from gemel.engines.optimise.products import Blocks, Terms, blocks_of, judged, spot_gradient, weighted_squares
from gemel.engines.optimise.robustness import tail_mean

NEGLIGIBLE = 1e-9  # a scenario with less than this share of the gradient is left out of the backward product


@dataclass(frozen=True)
class Regional:
    """An objective that depends on a region as a whole, and its rows in the stack; `part` is the scenario."""

    objective: Objective
    part: int
    at: Int[Array, "n"]


@dataclass(frozen=True)
class Problem:
    """Parts of the stack: one a scenario (`probability`), and last, when `nominal`, what is judged in the nominal scenario alone.

    `sampled` is the share of the rows of limiting regions that the scenarios keep.
    """

    rows: Rows
    ends: tuple[int, ...]
    terms: Terms
    regional: tuple[Regional, ...]
    probability: Float[Array, "scenarios"]
    tail_fraction: float
    sampled: float = 1.0
    held: tuple[Held, ...] = ()

    @cached_property
    def blocks(self) -> Blocks:
        """How the work is divided."""
        return blocks_of(self.rows, self.ends)

    @cached_property
    def part(self) -> Int[Array, "rows"]:
        """The part of each row."""
        return np.repeat(np.arange(len(self.ends)), np.diff([0, *self.ends]))

    @property
    def n_spots(self) -> int:
        """Number of weights."""
        return self.rows.n_spots


def evaluate(
    problem: Problem, weights: Float[Array, "spots"], *, temperature: float = 0.0
) -> tuple[float, Float[Array, "spots"], Float[Array, "scenarios"]]:
    """Objective, its gradient in the weights, and the penalty of each scenario (see `robustness.tail_mean` for the temperature).

    What the hard limits press with is in the value and the gradient, not in the penalties.
    """
    dose, slope, penalties = _penalties(problem, weights)
    n = problem.probability.size
    total, share = tail_mean(penalties[:n], problem.probability, tail_fraction=problem.tail_fraction, temperature=temperature)
    counted = np.append(np.where(share > NEGLIGIBLE, share, 0.0), np.ones(len(problem.ends) - n))
    slope *= counted[problem.part]
    total += float(penalties[n:].sum()) + pressure(problem.held, dose, slope)
    return total, spot_gradient(problem.rows, problem.blocks, slope), penalties[:n]


def dose_Gy(problem: Problem, weights: Float[Array, "spots"]) -> Float[Array, "rows"]:
    """The dose of every row of the stack."""
    return judged(problem.rows, problem.blocks, problem.terms, weights)[0]


def curvature(problem: Problem) -> Float[Array, "spots"]:
    """Diagonal of the Gauss-Newton Hessian, Σ p·(2w/n)·Aᵢⱼ² over scenarios, objectives and their voxels, all taken as active."""
    steepest = np.concatenate([[0.0], np.cumsum(2.0 * np.maximum(problem.terms.over, problem.terms.under))])
    start = problem.terms.start
    row_weight = (steepest[start[1:]] - steepest[start[:-1]])[problem.terms.kind]
    for one in problem.regional:
        row_weight[one.at] += 2.0 * one.objective.weight / one.at.size
    for limit in problem.held:
        row_weight[limit.at] += 2.0 * limit.weight / limit.at.size
    probability = np.append(problem.probability, np.ones(len(problem.ends) - problem.probability.size))
    return weighted_squares(problem.rows, problem.blocks, row_weight * probability[problem.part])


def _penalties(problem: Problem, weights: Float[Array, "spots"]) -> tuple[Array, Array, Float[Array, "parts"]]:
    dose, slope, by_block = judged(problem.rows, problem.blocks, problem.terms, weights)
    total = np.bincount(problem.blocks.part, by_block, minlength=len(problem.ends))
    for one in problem.regional:
        value, gradient = penalty(one.objective, dose[one.at])
        slope[one.at] += gradient
        total[one.part] += value
    return dose, slope, total


def rows_of(rows: Rows, ends: Sequence[int], part: int, voxels: Int[Array, "n"]) -> Int[Array, "n"]:
    """Where the voxels of a matrix lie in the stack, in one part of it; they must all be kept there."""
    begin = ends[part - 1] if part else 0
    return np.asarray(begin + np.searchsorted(rows.voxel[begin : ends[part]], voxels))
