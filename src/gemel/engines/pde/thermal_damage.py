"""What heat does to tissue: Arrhenius's integral and equivalent minutes at 43 °C, added up over each step."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit, prange

from gemel.core.errors import RangeError
from gemel.core.image import Array

GAS_J_MOL_K = 8.314462618
"""CODATA 2018."""
NODES = np.array([0.5 - np.sqrt(0.15), 0.5, 0.5 + np.sqrt(0.15)])
WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0
"""Gauss and Legendre's, of three points: along a step the temperature is straight."""


@dataclass(frozen=True)
class Arrhenius:
    """Ω = ∫ A e^{−Ea/RT} dt; the part that is left is e^{−Ω}. Henriques & Moritz 1947, Am J Pathol 23:530.

    Default: liver, Jacques et al. 1996, Proc SPIE 2681:199 (whitening of liver). Raises RangeError for values not over 0.
    """

    A_1_s: float = 7.39e39
    Ea_J_mol: float = 2.577e5

    def __post_init__(self) -> None:
        if not (0 < self.A_1_s < np.inf and 0 < self.Ea_J_mol < np.inf):
            raise RangeError(f"A of {self.A_1_s!r}, Ea of {self.Ea_J_mol!r}", where="Arrhenius", remedy="give numbers over 0")

    @property
    def rates(self) -> tuple[float, float]:
        """ln A, and Ea/R in kelvin."""
        return float(np.log(self.A_1_s)), self.Ea_J_mol / GAS_J_MOL_K


def add_damage(
    damage: tuple[Float[Array, "..."], Float[Array, "..."]],
    before_degC: Float[Array, "..."],
    after_degC: Float[Array, "..."],
    dt_s: float,
    of: Arrhenius,
) -> None:
    """Add a step to Ω and CEM43 (minutes), in place.

    CEM43 = ∫ R^{43 − T} dt, R = ½ from 43 °C on, ¼ below, nothing below 39 °C. Sapareto & Dewey 1984, Int J Radiat Oncol 10:787.
    """
    omega, minutes = damage
    _add(omega.reshape(-1), minutes.reshape(-1), before_degC.reshape(-1), after_degC.reshape(-1), (dt_s, *of.rates))


@njit(parallel=True, cache=True)
@no_type_check
def _add(omega, minutes, before, after, of):
    dt, log_a, kelvin = of
    for i in prange(len(omega)):
        if max(before[i], after[i]) > 37.5:
            burnt, aged = 0.0, 0.0
            for n in range(3):
                T = before[i] + NODES[n] * (after[i] - before[i])
                burnt += WEIGHTS[n] * np.exp(log_a - kelvin / (T + 273.15))
                if T >= 39.0:
                    aged += WEIGHTS[n] * (2.0 ** (T - 43.0) if T >= 43.0 else 4.0 ** (T - 43.0))
            omega[i] += dt * burnt
            minutes[i] += dt / 60.0 * aged
