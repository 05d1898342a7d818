"""How often protons meet nuclei: macroscopic cross-sections in water."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.dose.stopping_power import elements

THRESHOLD_MEV = 7.9  # of inelastic reactions with oxygen, Fippel & Soukup 2004, Med Phys 31:2263
PLATEAU_MEV = 50.0  # below this the elastic cross-section with oxygen is held
LOWEST_MEV = 5.0  # below this protons no longer interact; their range is 0.4 mm


def hydrogen_1_mm(energy_MeV: Float[Array, "n"]) -> Float[Array, "n"]:
    """Elastic collisions with the hydrogen of water, 0.315 E^−1.126 + 3.78e-6 E per cm. Fippel & Soukup 2004, Med Phys 31:2263."""
    E = np.maximum(energy_MeV, LOWEST_MEV)
    return np.where(energy_MeV > LOWEST_MEV, 0.315 * E**-1.126 + 3.78e-6 * E, 0.0) / 10


def oxygen_elastic_1_mm(energy_MeV: Float[Array, "n"]) -> Float[Array, "n"]:
    """Elastic collisions with the oxygen of water, 1.88/E + 4.0e-5 E − 0.01475 per cm, 50-250 MeV. Fippel & Soukup 2004."""
    E = np.maximum(energy_MeV, PLATEAU_MEV)
    return np.where(energy_MeV > LOWEST_MEV, 1.88 / E + 4.0e-5 * E - 0.01475, 0.0) / 10


def oxygen_inelastic_1_mm(energy_MeV: Float[Array, "n"]) -> Float[Array, "n"]:
    """Inelastic reactions with the oxygen of water, 0.001 (1.64 (E−7.9) exp(−0.064E + 7.85/E) + 9.86) per cm. Fippel & Soukup 2004."""
    E = np.maximum(energy_MeV, THRESHOLD_MEV)
    risen = 1.64 * (E - THRESHOLD_MEV) * np.exp(-0.064 * E + 7.85 / E)
    return np.where(energy_MeV > THRESHOLD_MEV, 0.001 * (risen + 9.86), 0.0) / 10


def nuclei_per_mass(weights: Mapping[str, float]) -> tuple[float, float]:
    """Hydrogen per gram, and cross-section of all other nuclei per gram as Σ (w/A) A^(2/3), both in mol/g.

    Reaction cross-sections grow as the nucleus' area; within 10 % from carbon to calcium (Janni 1982, At Data Nucl Data Tables 27:147).
    """
    total = sum(weights.values())
    moles = {name: weight / total / float(elements()[name]["A"]) for name, weight in weights.items()}
    others = sum(n * float(elements()[name]["A"]) ** (2 / 3) for name, n in moles.items() if name != "H")
    return moles.get("H", 0.0), others
