"""What a plan is judged by: penalties of a dose vector in Gy², each with its gradient.

All are means over the voxels of an objective, so that a weight means the same for a small and a large region.
Wieser et al. 2017, Med Phys 44:2556 (the set of objectives); Wu & Mohan 2000, Med Phys 27:701 (dose-volume penalties).
"""

from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from jaxtyping import Float, Int, Shaped

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array


class Objective:
    """What all objectives share: the rows of the influence matrix that are judged, how much, and where.

    `robust`: evaluated in every scenario, or in the nominal one only.
    """

    voxels: Int[Array, "n"]
    weight: float
    robust: bool

    def __post_init__(self) -> None:
        where = type(self).__name__
        voxels = np.asarray(self.voxels)
        if voxels.ndim != 1 or not np.issubdtype(voxels.dtype, np.integer):
            found = f"voxels of type {voxels.dtype} and shape {voxels.shape}"
            raise InputError(found, where=where, remedy="pass row indices: np.flatnonzero(mask)")
        if voxels.size == 0:
            raise InputError("no voxels", where=where, remedy="leave the objective out, or check that the region lies on the dose grid")
        if voxels.min() < 0 or np.unique(voxels).size != voxels.size:
            raise InputError("row indices that are negative or repeated", where=where, remedy="pass each row once: np.flatnonzero(mask)")
        numbers = {name: value for name, value in vars(self).items() if name not in ("voxels", "robust")}
        for name, value in numbers.items():
            if not np.isfinite(value) or value < 0:
                raise RangeError(f"{name} = {value}", where=where, remedy="pass a finite number that is not negative")
        if numbers.get("volume_fraction", 0.0) > 1:
            raise RangeError(f"volume_fraction = {numbers['volume_fraction']}", where=where, remedy="pass a fraction of 1, not per cent")


@dataclass(frozen=True)
class SquaredDeviation(Objective):
    """w·mean((d − D)²)."""

    voxels: Int[Array, "n"]
    dose_Gy: float
    weight: float = 1.0
    robust: bool = True


@dataclass(frozen=True)
class SquaredOverdose(Objective):
    """w·mean(max(0, d − D)²)."""

    voxels: Int[Array, "n"]
    dose_Gy: float
    weight: float = 1.0
    robust: bool = True


@dataclass(frozen=True)
class SquaredUnderdose(Objective):
    """w·mean(min(0, d − D)²)."""

    voxels: Int[Array, "n"]
    dose_Gy: float
    weight: float = 1.0
    robust: bool = True


@dataclass(frozen=True)
class MeanDose(Objective):
    """w·max(0, mean(d) − D)²: smooth, and in Gy² as the others are; D = 0 pulls the mean down at any dose."""

    voxels: Int[Array, "n"]
    weight: float = 1.0
    limit_Gy: float = 0.0
    robust: bool = True


@dataclass(frozen=True)
class MaxDVH(Objective):
    """At most the fraction v of the volume above D: w·mean(max(0, d − D)²) over all but the hottest v. Wu & Mohan 2000, eq. 5-7."""

    voxels: Int[Array, "n"]
    dose_Gy: float
    volume_fraction: float
    weight: float = 1.0
    robust: bool = True


@dataclass(frozen=True)
class MinDVH(Objective):
    """At least the fraction v of the volume at D: w·mean(min(0, d − D)²) over the hottest v. Wu & Mohan 2000, eq. 5-7."""

    voxels: Int[Array, "n"]
    dose_Gy: float
    volume_fraction: float
    weight: float = 1.0
    robust: bool = True


@dataclass(frozen=True)
class MaxEUD(Objective):
    """w·max(0, gEUD − D)², gEUD = mean(dᵃ)^(1/a), a ≥ 1. Niemierko 1999, Med Phys 26:1100; convex by Choi & Deasy 2002, PMB 47:3579."""

    voxels: Int[Array, "n"]
    dose_Gy: float
    exponent: float
    weight: float = 1.0
    robust: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.exponent < 1:
            raise RangeError(f"exponent = {self.exponent}", where="MaxEUD", remedy="pass a ≥ 1 (1 is the mean dose, large is the maximum)")


def value_and_gradient(objective: Objective, dose_Gy: Float[Array, "rows"]) -> tuple[float, Float[Array, "rows"]]:
    """The penalty in Gy² and its derivative with respect to every row of the dose."""
    gradient = np.zeros(dose_Gy.shape, np.float64)
    value, gradient[objective.voxels] = penalty(objective, dose_Gy[objective.voxels].astype(np.float64))
    return value, gradient


def on_rows(objective: Objective, voxels: Int[Array, "n"]) -> Objective:
    """The same objective on other rows."""
    return type(objective)(**{**vars(objective), "voxels": voxels})


@singledispatch
def penalty(objective: Objective, d: Float[Array, "n"]) -> tuple[float, Float[Array, "n"]]:
    """The penalty and its derivative from the dose of the objective's own voxels; a new objective registers its rule here."""
    raise InputError(f"no penalty for {type(objective).__name__}", where="objectives", remedy="use a listed one or register its penalty")


@penalty.register
def _(objective: SquaredDeviation, d: Float[Array, "n"]) -> tuple[float, Float[Array, "n"]]:
    return _mean_square(d - objective.dose_Gy, objective.weight)


@penalty.register
def _(objective: SquaredOverdose, d: Float[Array, "n"]) -> tuple[float, Float[Array, "n"]]:
    return _mean_square(np.maximum(d - objective.dose_Gy, 0.0), objective.weight)


@penalty.register
def _(objective: SquaredUnderdose, d: Float[Array, "n"]) -> tuple[float, Float[Array, "n"]]:
    return _mean_square(np.minimum(d - objective.dose_Gy, 0.0), objective.weight)


@penalty.register
def _(objective: MeanDose, d: Float[Array, "n"]) -> tuple[float, Float[Array, "n"]]:
    excess = max(0.0, float(d.mean()) - objective.limit_Gy)
    return objective.weight * excess**2, np.full(d.size, 2.0 * objective.weight * excess / d.size)


@penalty.register
def _(objective: MaxDVH, d: Float[Array, "n"]) -> tuple[float, Float[Array, "n"]]:
    excess = np.maximum(d - objective.dose_Gy, 0.0)
    excess[_hottest(d, _whole_part(objective.volume_fraction * d.size))] = 0.0
    return _mean_square(excess, objective.weight)


@penalty.register
def _(objective: MinDVH, d: Float[Array, "n"]) -> tuple[float, Float[Array, "n"]]:
    lack = np.minimum(d - objective.dose_Gy, 0.0)
    needed = d.size - _whole_part((1.0 - objective.volume_fraction) * d.size)
    free = np.ones(d.size, np.bool_)
    free[_hottest(d, needed)] = False
    lack[free] = 0.0
    return _mean_square(lack, objective.weight)


@penalty.register
def _(objective: MaxEUD, d: Float[Array, "n"]) -> tuple[float, Float[Array, "n"]]:
    top = float(d.max())
    if top <= 0:
        return 0.0, np.zeros(d.size)
    a, relative = objective.exponent, np.maximum(d, 0.0) / top
    mean = float((relative**a).mean())
    excess = max(0.0, top * mean ** (1 / a) - objective.dose_Gy)
    slope = mean ** (1 / a - 1) * relative ** (a - 1) / d.size
    return objective.weight * excess**2, 2.0 * objective.weight * excess * slope


def _mean_square(r: Float[Array, "n"], weight: float) -> tuple[float, Float[Array, "n"]]:
    scaled = (weight / r.size) * r
    return float(scaled @ r), 2.0 * scaled


def _whole_part(count: float) -> int:
    """The whole number of voxels in a fraction of a region, with 0.3·10 taken as 3."""
    return int(np.floor(count + 1e-9))


def _hottest(d: Float[Array, "n"], count: int) -> Shaped[Array, "count"]:
    return np.argpartition(d, d.size - count)[d.size - count :] if count else np.empty(0, np.intp)
