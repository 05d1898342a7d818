"""Energy-loss straggling of protons."""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.dose.stopping_power import ELECTRON_MEV, K_MEV_CM2_MOL, PROTON_MEV, WATER


def variance_MeV2_mm(energy_MeV: Float[Array, "n"]) -> Float[Array, "n"]:
    """Variance of the energy loss in a millimetre of water, 4πN r_e² (mc²)² (Z/A) ρ γ² (1 − β²/2).

    Bohr 1915, Phil Mag 30:581, with the relativistic factor as in ICRU Report 49 (1993). All ionisations are in it, hard ones too: their
    electrons (mean range under 0.1 mm, at most 2 mm at 250 MeV) are absorbed where they arise, and over the tens of steps of a history the
    sum of losses is Gaussian, so that sampling hard collisions one by one would change neither range nor fall-off.
    """
    gamma2 = (1 + energy_MeV / PROTON_MEV) ** 2
    beta2 = 1 - 1 / gamma2
    return np.asarray(K_MEV_CM2_MOL * ELECTRON_MEV * WATER.Z_A_mol_g * gamma2 * (1 - beta2 / 2) / 10)
