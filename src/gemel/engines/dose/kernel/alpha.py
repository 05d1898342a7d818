"""Alpha particles: range in tissue, and the energy left along a straight track."""

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.dose.media import medium
from gemel.engines.dose.stopping_power import PROTON_MEV, csda_range_mm, mixture, relative_stopping_power

ALPHA_MEV = 3727.3794  # CODATA 2018
SLOW_MM = 2.0e-3
"""What the range of an alpha has beyond that of the proton of its speed, scaled: at its end it holds its charge for part of the time."""
LOWEST_MEV, HIGHEST_MEV = 4.2, 20.0
POWER = 1.5  # R ∝ E^1.5 below the lowest energy


def alpha_range_mm(energy_MeV: Float[Array, "..."] | float, *, tissue: str = "soft") -> Float[Array, "..."]:
    """CSDA range in the tissue, R(E) = (m_α / 4 m_p) R_p(E m_p / m_α) + 2 µm, R_p of the Bethe formula; 2 % of ASTAR over 4.2 to 9 MeV.

    The law of equal speeds with the constant for charge exchange of Evans 1955, The Atomic Nucleus, ch. 22, here 2 µm of water; to other
    tissues by the ratio of the stopping powers. Raises RangeError outside 0 to 20 MeV.
    """
    energy = np.asarray(energy_MeV, dtype=np.float64)
    if energy.size and not (np.isfinite(energy).all() and energy.min() >= 0 and energy.max() <= HIGHEST_MEV):
        raise RangeError(f"alphas of {energy.min():g} to {energy.max():g} MeV", where="alpha range", remedy=f"use 0 to {HIGHEST_MEV:g} MeV")
    found = medium(tissue)
    ratio = PROTON_MEV / ALPHA_MEV
    water = csda_range_mm(np.maximum(energy, LOWEST_MEV) * ratio) / (4 * ratio) + SLOW_MM
    slower = np.minimum(energy / LOWEST_MEV, 1.0) ** POWER
    relative = relative_stopping_power(found.density_g_cm3, mixture(dict(found.weights)), 1.5)
    return np.asarray(water * slower / relative)


def absorbed_within(radius_mm: Float[Array, "r"], energy_MeV: Float[Array, "e"], *, tissue: str = "soft") -> Float[Array, "e r"]:
    """Share of an alpha's energy that is left within a radius of where it starts: 1 − E(R − r)/E, E(R) the inverse of its range."""
    grid = np.linspace(0.0, HIGHEST_MEV, 2001)
    ranges = alpha_range_mm(grid, tissue=tissue)
    energy = np.asarray(energy_MeV, dtype=np.float64)[:, None]
    left = np.maximum(alpha_range_mm(energy, tissue=tissue) - np.asarray(radius_mm)[None, :], 0.0)
    return np.asarray(1 - np.interp(left, ranges, grid) / np.maximum(energy, 1e-9))
