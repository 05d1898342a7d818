"""The plan problem ready to be solved: the used rows of each scenario's matrix, the value and its gradient in the weights."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.optimise.objectives import Objective, penalty
from gemel.engines.optimise.products import Columns, dose_Gy, spot_gradient, weighted_squares
from gemel.engines.optimise.robustness import tail_mean

NEGLIGIBLE = 1e-9  # a scenario with less than this share of the gradient is left out of the backward product


@dataclass(frozen=True)
class Part:
    """One matrix, the objectives judged on it (their voxels renumbered to its rows), and its probability."""

    columns: Columns
    objectives: tuple[Objective, ...]
    probability: float


@dataclass(frozen=True)
class Problem:
    """One part a scenario, the parts judged in the nominal scenario alone, and the tail of the scenarios that counts."""

    scenarios: tuple[Part, ...]
    nominal: tuple[Part, ...]
    tail_fraction: float

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts."""
        return self.scenarios + self.nominal

    @property
    def n_spots(self) -> int:
        """Number of weights."""
        return self.parts[0].columns.n_spots

    @property
    def nbytes(self) -> int:
        """Memory of the matrices."""
        return sum(part.columns.nbytes for part in self.parts)


def judge(part: Part, weights: Float[Array, "spots"]) -> tuple[float, Float[Array, "rows"]]:
    """Σ of the part's penalties and its derivative with respect to the dose."""
    dose = dose_Gy(part.columns, weights)
    total, gradient = 0.0, np.zeros(dose.size)
    for objective in part.objectives:
        value, slope = penalty(objective, dose[objective.voxels])
        total += value
        gradient[objective.voxels] += slope
    return total, gradient


def evaluate(
    problem: Problem, weights: Float[Array, "spots"], *, temperature: float = 0.0
) -> tuple[float, Float[Array, "spots"], Float[Array, "scenarios"]]:
    """Objective, its gradient in the weights, and the penalty of each scenario (see `robustness.tail_mean` for the temperature)."""
    judged = [judge(part, weights) for part in problem.scenarios]
    penalties = np.array([value for value, _ in judged])
    probability = np.array([part.probability for part in problem.scenarios])
    total, share = tail_mean(penalties, probability, tail_fraction=problem.tail_fraction, temperature=temperature)
    gradient = np.zeros(problem.n_spots)
    for part, (_, slope), q in zip(problem.scenarios, judged, share):
        if q > NEGLIGIBLE:
            gradient += q * spot_gradient(part.columns, slope)
    for part in problem.nominal:
        value, slope = judge(part, weights)
        total += value
        gradient += spot_gradient(part.columns, slope)
    return total, gradient, penalties


def curvature(problem: Problem) -> Float[Array, "spots"]:
    """Diagonal of the Gauss-Newton Hessian, Σ p·(2w/n)·Aᵢⱼ² over scenarios, objectives and their voxels, all taken as active."""
    total = np.zeros(problem.n_spots)
    for part in problem.parts:
        row_weight = np.zeros(part.columns.n_rows)
        for objective in part.objectives:
            row_weight[objective.voxels] += 2.0 * objective.weight / objective.voxels.size
        total += part.probability * weighted_squares(part.columns, row_weight)
    return total
