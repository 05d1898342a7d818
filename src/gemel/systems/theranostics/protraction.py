"""Dose protraction: how much of the damage is repaired while the dose is still being given (Lea–Catcheside G).

G = (2/D²) ∫₀^∞ Ḋ(t) ∫₀^t Ḋ(w) e^{−μ(t−w)} dw dt, μ = ln 2/T_rep. Lea & Catcheside 1942, J Genet 44:216; Dale 1985, Br J Radiol 58:515;
many exponentials: Baechler et al. 2008, Med Phys 35:1123. G is 1 for a dose given at once and 0 for one given over ages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.core.number import number, numbers
from gemel.systems.theranostics.quantities import Numbers, Result, one_over_zero, over_zero, plain

LN2 = float(np.log(2.0))


@dataclass(frozen=True)
class Cycle:
    """Dose rate Σ_i A_i 2^{−(t−start)/T_i} from `start_h` on; negative A are uptake. A may carry voxels behind its terms."""

    amplitudes_Gy_h: Float[Array, "terms ..."]
    T_eff_h: Float[Array, "half_lives"]
    start_h: float | int = 0.0

    def __post_init__(self) -> None:
        first = np.atleast_1d(numbers(self.amplitudes_Gy_h, "amplitudes_Gy_h"))
        object.__setattr__(self, "amplitudes_Gy_h", first)
        object.__setattr__(self, "T_eff_h", np.atleast_1d(over_zero(self.T_eff_h, "T_eff_h")))
        object.__setattr__(self, "start_h", number(self.start_h, "start_h"))
        if not np.isfinite(first).all() or not np.isfinite(self.start_h) or (len(first),) != self.T_eff_h.shape:
            raise RangeError("amplitudes that are not finite, or not one for each T_eff_h", where="Cycle", remedy="give one of each a term")
        if (first.sum(axis=0) < -1e-9 * np.abs(first).sum(axis=0)).any() or (self.dose_Gy < 0).any():
            raise RangeError(
                "a dose rate under zero", where="Cycle", remedy="let uptake amplitudes add to no less than minus the clearance"
            )

    @property
    def dose_Gy(self) -> Float[Array, "..."]:
        """D = Σ A_i T_i/ln 2."""
        return np.asarray(np.tensordot(self.T_eff_h / LN2, self.amplitudes_Gy_h, axes=1))


def protraction_factor(amplitudes: Numbers, T_eff_h: Numbers, T_rep_h: float | int) -> Result:
    """G of a time–activity curve Σ A_i 2^{−t/T_i}, in any unit: (2/D²) Σ_ij A_i A_j/((λ_i+λ_j)(μ+λ_i)). Raises RangeError, as `Cycle`."""
    cycle = Cycle(np.atleast_1d(numbers(amplitudes, "amplitudes")), np.atleast_1d(numbers(T_eff_h, "T_eff_h")))
    return protraction_of_cycles([cycle], T_rep_h)


def protraction_of_cycles(cycles: Sequence[Cycle], T_rep_h: float | int) -> Result:
    """G of the whole course, D being the sum over cycles. Raises RangeError where the whole dose is zero."""
    dose_Gy = over_zero(dose_of_cycles_Gy(cycles), "dose_Gy")
    return plain(np.asarray(quadratic_dose_Gy2(cycles, T_rep_h) / dose_Gy**2))


def dose_of_cycles_Gy(cycles: Sequence[Cycle]) -> Float[Array, "..."]:
    """Σ D of a course. Raises InputError where it is not made of cycles."""
    if not isinstance(cycles, Sequence) or not cycles or not all(isinstance(cycle, Cycle) for cycle in cycles):
        raise InputError(
            "a course that is not a list of cycles", where="cycles", remedy="give [Cycle(amplitudes_Gy_h, T_eff_h, start_h), …]"
        )
    return np.asarray(sum(cycle.dose_Gy for cycle in cycles))


def quadratic_dose_Gy2(cycles: Sequence[Cycle], T_rep_h: float | int) -> Float[Array, "..."]:
    """G D² of a course: every pair of cycles, with the activity left over from one when the next begins, and damage not yet repaired."""
    mu_1_h = LN2 / one_over_zero(T_rep_h, "T_rep_h")
    ordered = sorted(cycles, key=lambda cycle: cycle.start_h)
    total = np.zeros(())
    for k, later in enumerate(ordered):
        for earlier in ordered[:k]:
            total = total + _pair(earlier, later, mu_1_h)
        total = total + _product(later, later, _same(later, mu_1_h))
    return np.asarray(2.0 * total)


def _same(cycle: Cycle, mu_1_h: float) -> Float[Array, "terms terms"]:
    """1/((λ_i + λ_j)(μ + λ_i))."""
    lam = LN2 / cycle.T_eff_h
    return np.asarray(1.0 / ((lam[:, None] + lam) * (mu_1_h + lam[:, None])))


def _pair(earlier: Cycle, later: Cycle, mu_1_h: float) -> Float[Array, "..."]:
    """Cross terms: the later cycle's dose on the earlier's unrepaired damage, and the earlier's residual dose on the later's damage."""
    gap_h = later.start_h - earlier.start_h
    i, j = (LN2 / later.T_eff_h)[:, None], (LN2 / earlier.T_eff_h)[None, :]
    left = np.exp(-j * gap_h)
    on_earlier = left / ((i + j) * (i + mu_1_h)) + _memory(j, mu_1_h, gap_h) / (i + mu_1_h)
    on_later = left / ((i + j) * (j + mu_1_h))
    return _product(later, earlier, on_earlier + on_later)


def _memory(lam: Float[Array, "one terms"], mu_1_h: float, gap_h: float) -> Float[Array, "one terms"]:
    """(e^{−λΔ} − e^{−μΔ})/(μ − λ), also where μ = λ: damage from before the gap that is still there after it."""
    slow, apart = np.minimum(lam, mu_1_h), np.abs(mu_1_h - lam) * gap_h
    safe = np.where(apart > 0, apart, 1.0)
    return np.asarray(gap_h * np.exp(-slow * gap_h) * np.where(apart > 0, -np.expm1(-safe) / safe, 1.0))


def _product(later: Cycle, earlier: Cycle, weights: Float[Array, "n m"]) -> Float[Array, "..."]:
    """Σ_ij A_i A_j w_ij, voxel by voxel."""
    weighted = np.tensordot(weights, earlier.amplitudes_Gy_h, axes=1)
    return np.asarray((later.amplitudes_Gy_h * weighted).sum(axis=0))
