"""Dose-averaged linear energy transfer: of the primary protons of a broad beam, and of a plan."""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.dose.stopping_power import energy_at_range_MeV, stopping_power_MeV_cm2_g

FLOOR_MM = 0.025  # range at 1 MeV, below which the stopping power is held
WIDTHS = 5.0  # straggling widths that are integrated over
NODES = 400  # in the root of the residual range, which takes out the steep rise of S towards the end of a track


def dose_averaged_let_keV_um(depth_mm: Float[Array, "d"], range_mm: float, sigma_mm: float) -> Float[Array, "d"]:
    """⟨S²⟩/⟨S⟩ over residual ranges spread as N(R−z, σ), of which those above zero are left. Wilkens & Oelfke 2003, Med Phys 30:806.

    Secondaries are not in it. Past the last protons it is held.
    """
    z = np.minimum(np.asarray(depth_mm, dtype=np.float64), range_mm + 4 * sigma_mm)[:, None]
    least, most = (np.sqrt(np.maximum(range_mm - z + side * WIDTHS * sigma_mm, 0.0)) for side in (-1, 1))
    root = least + (most - least) * (np.arange(NODES) + 0.5) / NODES
    weight = root * np.exp(-(((root**2 - (range_mm - z)) / sigma_mm) ** 2) / 2)
    S = stopping_power_MeV_cm2_g(energy_at_range_MeV(np.maximum(root**2, FLOOR_MM)))
    return np.asarray(0.1 * (weight * S * S).sum(axis=1) / (weight * S).sum(axis=1))


def let_of_plan_keV_um(dose_Gy: Float[Array, "*shape"], dose_let_Gy_keV_um: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """LETd = Σ D_j LETd_j / Σ D_j of the two matrices of `influence_with_let` times the weights; 0 where there is no dose.

    Wilkens & Oelfke 2004, Phys Med Biol 49:2811.
    """
    return np.divide(dose_let_Gy_keV_um, dose_Gy, out=np.zeros_like(dose_Gy), where=dose_Gy > 0)
