"""What a plan is judged by: the nouns; their penalties in Gy² are in `penalties`.

All are means over the voxels of an objective, so that a weight means the same for a small and a large region.
Wieser et al. 2017, Med Phys 44:2556 (the set of objectives); Wu & Mohan 2000, Med Phys 27:701 (dose-volume penalties).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array


class Objective:
    """What all objectives share: the rows of the influence matrix that are judged, how much, and where.

    `voxels`: row indices, kept as an array if given as a list. `robust`: evaluated in every scenario, or in the nominal one only.
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
        object.__setattr__(self, "voxels", voxels)
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


@dataclass(frozen=True)
class MinEUD(Objective):
    """w·max(0, D − gEUD)², gEUD = mean(dᵃ)^(1/a), a ≤ −1: what a target must at least receive. Niemierko 1999, Med Phys 26:1100.

    `exponent` is written as −a, a positive number: 10 means a = −10. Concave by Choi & Deasy 2002, PMB 47:3579. The gradient vanishes where
    one voxel has no dose at all, so a search must start with dose in all of them, as it does by default.
    """

    voxels: Int[Array, "n"]
    dose_Gy: float
    exponent: float
    weight: float = 1.0
    robust: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.exponent < 1:
            raise RangeError(f"exponent = {self.exponent}", where="MinEUD", remedy="pass −a ≥ 1 (large is the minimum)")


def asked_Gy(objective: Objective) -> float:
    """The dose that an objective asks its voxels to receive; 0 for those that only limit."""
    return objective.dose_Gy if isinstance(objective, SquaredDeviation | SquaredUnderdose | MinDVH | MinEUD) else 0.0


def on_rows(objective: Objective, voxels: Int[Array, "n"]) -> Objective:
    """The same objective on other rows."""
    return type(objective)(**{**vars(objective), "voxels": voxels})
