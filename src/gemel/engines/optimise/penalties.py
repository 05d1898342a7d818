"""The penalty of each objective: w·mean(max(0, r + t)²) of its residuals r in Gy, and the derivative with respect to the dose.

r is what a dose lacks or has too much, voxel by voxel or of the region as a whole; t is a shift, zero but for hard limits (`limits`).
"""

from functools import singledispatch

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.engines.optimise.objectives import (
    MaxDVH,
    MaxEUD,
    MeanDose,
    MinDVH,
    MinEUD,
    Objective,
    SquaredDeviation,
    SquaredOverdose,
    SquaredUnderdose,
)

Residual = tuple[Float[Array, "m"], Float[Array, "n"]]  # r, one a voxel or one in all, and dr/dd of every voxel


def value_and_gradient(objective: Objective, dose_Gy: Float[Array, "rows"]) -> tuple[float, Float[Array, "rows"]]:
    """The penalty in Gy² and its derivative with respect to every row of the dose."""
    gradient = np.zeros(dose_Gy.shape, np.float64)
    value, gradient[objective.voxels] = penalty(objective, dose_Gy[objective.voxels].astype(np.float64))
    return value, gradient


@singledispatch
def penalty(objective: Objective, d: Float[Array, "n"]) -> tuple[float, Float[Array, "n"]]:
    """The penalty and its derivative from the dose of the objective's own voxels; a two-sided objective registers a rule of its own."""
    return pressed(objective, d, objective.weight, 0.0)


@penalty.register
def _(objective: SquaredDeviation, d: Float[Array, "n"]) -> tuple[float, Float[Array, "n"]]:
    r = d - objective.dose_Gy
    scaled = (objective.weight / r.size) * r
    return float(scaled @ r), 2.0 * scaled


def pressed(
    objective: Objective, d: Float[Array, "n"], weight: float, shift_Gy: float | Float[Array, "m"]
) -> tuple[float, Float[Array, "n"]]:
    """w·mean(max(0, r + t)²) and its derivative."""
    r, slope = residual(objective, d)
    excess = np.maximum(r + shift_Gy, 0.0)
    scaled = (weight / r.size) * excess
    return float(scaled @ excess), 2.0 * scaled * slope


@singledispatch
def residual(objective: Objective, d: Float[Array, "n"]) -> Residual:
    """What of a one-sided objective is not met, in Gy (negative: room left); a new objective registers its rule here."""
    raise InputError(f"no penalty for {type(objective).__name__}", where="objectives", remedy="use a listed one or register its residual")


@residual.register
def _(objective: SquaredOverdose, d: Float[Array, "n"]) -> Residual:
    return d - objective.dose_Gy, np.ones(d.size)


@residual.register
def _(objective: SquaredUnderdose, d: Float[Array, "n"]) -> Residual:
    return objective.dose_Gy - d, np.full(d.size, -1.0)


@residual.register
def _(objective: MeanDose, d: Float[Array, "n"]) -> Residual:
    return np.array([float(d.mean()) - objective.limit_Gy]), np.full(d.size, 1.0 / d.size)


@residual.register
def _(objective: MaxDVH, d: Float[Array, "n"]) -> Residual:
    excess = d - objective.dose_Gy
    excess[_hottest(d, _whole_part(objective.volume_fraction * d.size))] = -np.inf
    return excess, np.ones(d.size)


@residual.register
def _(objective: MinDVH, d: Float[Array, "n"]) -> Residual:
    lack = np.full(d.size, -np.inf)
    needed = _hottest(d, d.size - _whole_part((1.0 - objective.volume_fraction) * d.size))
    lack[needed] = objective.dose_Gy - d[needed]
    return lack, np.full(d.size, -1.0)


@residual.register
def _(objective: MaxEUD, d: Float[Array, "n"]) -> Residual:
    eud_Gy, slope = _eud(d, objective.exponent)
    return np.array([eud_Gy - objective.dose_Gy]), slope


@residual.register
def _(objective: MinEUD, d: Float[Array, "n"]) -> Residual:
    eud_Gy, slope = _eud(d, -objective.exponent)
    return np.array([objective.dose_Gy - eud_Gy]), -slope


def _eud(d: Float[Array, "n"], a: float) -> tuple[float, Float[Array, "n"]]:
    """mean(dᵃ)^(1/a) and its derivative, scaled by the voxel that counts most so that no power overflows."""
    leading = float(d.max() if a > 0 else d.min())
    if leading <= 0:
        return 0.0, np.zeros(d.size)
    relative = np.maximum(d, 0.0) / leading
    mean = float((relative**a).mean())
    return leading * mean ** (1 / a), mean ** (1 / a - 1) * relative ** (a - 1) / d.size


def _whole_part(count: float) -> int:
    """The whole number of voxels in a fraction of a region, with 0.3·10 taken as 3."""
    return int(np.floor(count + 1e-9))


def _hottest(d: Float[Array, "n"], count: int) -> Shaped[Array, "count"]:
    return np.argpartition(d, d.size - count)[d.size - count :] if count else np.empty(0, np.intp)
