"""Hard limits beside objectives, held by the method of multipliers, and what is said when they cannot all be held.

Rockafellar 1974, SIAM J Control 12:268 (augmented Lagrangian of inequalities): the penalty w·mean(max(0, r + t)²) of the residuals r is
minimised, then t ← max(0, r + t), until no r exceeds the tolerance; t > 0 tells which limits bind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.engines.optimise.objectives import MeanDose, Objective, SquaredDeviation
from gemel.engines.optimise.penalties import pressed, residual

GROWTH = 4.0  # of the weight of a limit that a round has not brought half way


@dataclass(frozen=True)
class Limit:
    """A one-sided objective that must be met: max or min dose, a mean, a DVH point or a gEUD, to within the tolerance.

    Limit(SquaredOverdose(rows, 40.0)) is 'nowhere in these rows above 40 Gy'; a robust one is held in every scenario.
    Its weight is not used.
    """

    objective: Objective
    tolerance_Gy: float = 0.1

    def __post_init__(self) -> None:
        if isinstance(self.objective, SquaredDeviation):
            raise InputError("a two-sided limit", where="Limit", remedy="pass SquaredOverdose and SquaredUnderdose, a limit each")
        if isinstance(self.objective, MeanDose) and self.objective.limit_Gy == 0:
            raise InputError("a mean dose limit of 0 Gy", where="Limit", remedy="give MeanDose its limit_Gy")
        if not 0 < self.tolerance_Gy < np.inf:
            raise RangeError(f"tolerance_Gy = {self.tolerance_Gy}", where="Limit", remedy="pass a positive dose, such as 0.1")

    @property
    def name(self) -> str:
        """In words, for a status."""
        numbers = {k: v for k, v in vars(self.objective).items() if k in ("dose_Gy", "limit_Gy", "volume_fraction", "exponent")}
        text = ", ".join(f"{k} {v:g}" for k, v in numbers.items())
        return f"{type(self.objective).__name__}({text}) in {self.objective.voxels.size} voxels from row {self.objective.voxels[0]}"


@dataclass(frozen=True)
class Held:
    """A limit in one part of a problem: its rows there, and the present weight and shift of each residual."""

    limit: Limit
    number: int
    part: int
    at: Int[Array, "n"]
    weight: float = 0.0
    shift_Gy: float | Float[Array, "m"] = 0.0


@dataclass(frozen=True)
class Violation:
    """How a limit stands: excess in Gy in the scenario where it is largest (negative: room left), and whether it shaped the plan.

    `scenario`: its number in the order of the scenarios (0 without any); -1 for a limit that is not robust, judged in the nominal one.
    """

    limit: Limit
    excess_Gy: float
    scenario: int
    binds: bool

    @property
    def broken(self) -> bool:
        """More than the tolerance over."""
        return self.excess_Gy > self.limit.tolerance_Gy


def pressure(held: Sequence[Held], dose_Gy: Float[Array, "rows"], slope: Float[Array, "rows"]) -> float:
    """Σ w·mean(max(0, r + t)²) over the limits; its derivative is added to `slope`."""
    total = 0.0
    for one in held:
        value, gradient = pressed(one.limit.objective, dose_Gy[one.at], one.weight, one.shift_Gy)
        slope[one.at] += gradient
        total += value
    return total


def tightened(held: Sequence[Held], dose_Gy: Float[Array, "rows"], before_Gy: Sequence[float]) -> tuple[Held, ...]:
    """The next round: t ← max(0, r + t); where the excess has not been halved, four times the weight, and t the less for it."""
    result = []
    for one, old in zip(held, before_Gy):
        r, _ = residual(one.limit.objective, dose_Gy[one.at])
        shift = np.maximum(r + one.shift_Gy, 0.0)
        slow = float(r.max()) > max(one.limit.tolerance_Gy, 0.5 * old)
        factor = GROWTH if slow else 1.0
        result.append(replace(one, weight=one.weight * factor, shift_Gy=shift / factor))
    return tuple(result)


def excess_Gy(held: Sequence[Held], dose_Gy: Float[Array, "rows"]) -> list[float]:
    """Largest residual of each."""
    return [float(residual(one.limit.objective, dose_Gy[one.at])[0].max()) for one in held]


def violations(held: Sequence[Held], dose_Gy: Float[Array, "rows"]) -> tuple[Violation, ...]:
    """Each limit once, where it is worst."""
    worst: dict[int, Violation] = {}
    for one, excess in zip(held, excess_Gy(held, dose_Gy)):
        known = worst.get(one.number)
        binds = bool(np.any(np.asarray(one.shift_Gy) > 0)) or (known is not None and known.binds)
        if known is None or excess > known.excess_Gy:
            worst[one.number] = Violation(one.limit, excess, one.part if one.limit.objective.robust else -1, binds)
        else:
            worst[one.number] = replace(known, binds=binds)
    return tuple(worst[number] for number in sorted(worst))


def verdict(found: Sequence[Violation], unheld: str = "infeasible") -> str:
    """Empty when all limits are held; otherwise, after `unheld`, which are broken, by how much, and which bind against them."""
    broken = [v for v in found if v.broken]
    if not broken:
        return ""
    text = "; ".join(f"{v.limit.name} is missed by {v.excess_Gy:.2g} Gy" for v in broken)
    against = [v.limit.name for v in found if v.binds and not v.broken]
    return f"{unheld}: {text}" + (f"; binding against: {', '.join(against)}" if against else "")
