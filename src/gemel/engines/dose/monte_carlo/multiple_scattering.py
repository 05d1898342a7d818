"""Multiple Coulomb scattering as a scattering power that does not depend on the length of the step."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.dose.stopping_power import PROTON_MEV, elements

E_S_MEV = 15.0  # Rossi's constant, Gottschalk 2010, Med Phys 37:352
ALPHA_N_RE2_CM2_MOL = 3.48980e-4  # fine structure constant x Avogadro's number x (classical electron radius)², CODATA 2018
WATER_BY_MASS = {"H": 2 * 1.008, "O": 15.999}


def pv_MeV(energy_MeV: Float[Array, "..."]) -> Float[Array, "..."]:
    """Momentum times speed, T (T + 2m)/(T + m)."""
    return np.asarray(energy_MeV * (energy_MeV + 2 * PROTON_MEV) / (energy_MeV + PROTON_MEV))


def scattering_per_mass_cm2_g(weights: Mapping[str, float]) -> float:
    """1/(ρ X_S) = α N r_e² Σ w Z²/A {2 ln[33219 (AZ)^(−1/3)] − 1}, X_S the scattering length. Gottschalk 2010, Med Phys 37:352."""
    total, found = sum(weights.values()), 0.0
    for name, weight in weights.items():
        Z, A = float(elements()[name]["Z"]), float(elements()[name]["A"])
        found += weight / total * Z * Z / A * (2 * np.log(33219 * (A * Z) ** (-1 / 3)) - 1)
    return ALPHA_N_RE2_CM2_MOL * float(found)


def scattering_power_terms(energy_MeV: Float[Array, "n"]) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """a, b of the scattering power of water T = a + b lg(1 − (pv/p₁v₁)²) in rad²/mm of one projected angle, p₁v₁ that of the start.

    T = f (E_s/pv)²/X_S with f = 0.5244 + 0.1975 lg(1−(pv/p₁v₁)²) + 0.2320 lg(pv) − 0.0098 lg(pv) lg(1−(pv/p₁v₁)²), pv in MeV: the
    differential Molière form, Gottschalk 2010, Med Phys 37:352. Gaussian core; single scattering at large angles is left out.
    """
    pv = pv_MeV(energy_MeV)
    front = (E_S_MEV / pv) ** 2 * scattering_per_mass_cm2_g(WATER_BY_MASS) / 10
    return front * (0.5244 + 0.2320 * np.log10(pv)), front * (0.1975 - 0.0098 * np.log10(pv))
