"""What liver, fat and tumour are made of: heat, blood and waves, as mixtures by the share of fat."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.image import Array

BLOOD_J_m3_K = 3.8e6
"""ρc of blood: 1,050 kg/m³ of 3,617 J/kg/K. Hasgall et al. 2022, IT'IS tissue database 4.1."""
LATENT_J_kg, WATER_kg_m3 = 2.26e6, 750.0
"""Of steam at 100 °C; water in a cubic metre of lean liver (71 % of its mass): ICRU 46 (1992), table of liver."""
WARMING_1_K = 0.0025
"""Of κ at 37 °C for each degree: liver 0.4692 + 0.001161 T W/m/K. Valvano et al. 1985, Int J Thermophys 6:301."""
FIVE_LEVELS = (0.0, 0.1, 0.2, 0.35, 0.5)
"""Shares of fat from a lean liver to a very fatty one; five grades as in Servin et al. 2024, IEEE Open J Eng Med Biol 5:107."""


@dataclass(frozen=True)
class Kind:
    """κ (W/m/K) at 37 °C, ρc (J/m³/K), blood (of that of lean liver), water (of that of lean liver); σ (S/m) and ε_r by MHz.

    `sigma_rf_S_m`: near 0.5 MHz.
    """

    conductivity_W_m_K: float
    capacity_J_m3_K: float
    blood_1: float
    water_1: float
    sigma_S_m: dict[int, float]
    epsilon_1: dict[int, float]
    sigma_rf_S_m: float


LEAN = Kind(0.52, 3.82e6, 1.0, 1.0, {915: 0.86, 2450: 1.69}, {915: 46.8, 2450: 43.0}, 0.35)
"""Hasgall et al. 2022 (κ 0.519, 1,079 kg/m³ of 3,540 J/kg/K); waves: Gabriel et al. 1996, Phys Med Biol 41:2271; 470 kHz: Zurbuchen et al.
2017, Acta Radiol 58:164, medians of fresh human specimens, liver and metastases (0.57)."""
FAT = Kind(0.21, 2.14e6, 0.0, 0.1, {915: 0.051, 2450: 0.105}, {915: 5.46, 2450: 5.28}, 0.044)
"""Hasgall et al. 2022 (κ 0.211, 911 kg/m³ of 2,348 J/kg/K); Gabriel et al. 1996. What fat there is, no blood flows through."""
TUMOUR = Kind(0.52, 3.82e6, 1.0, 1.0, {915: 1.03, 2450: 2.03}, {915: 56.0, 2450: 52.0}, 0.57)
"""Lean, with waves about a fifth over liver's as measured outside the body: O'Rourke et al. 2007, Phys Med Biol 52:4707."""


@dataclass(frozen=True)
class Maps:
    """Properties on a grid, without the perfusion's size: `blood_1` is its share of lean liver's."""

    conductivity_W_m_K: Float[Array, "x y z"]
    capacity_J_m3_K: Float[Array, "x y z"]
    blood_1: Float[Array, "x y z"]
    latent_J_m3: Float[Array, "x y z"]
    sigma_S_m: Float[Array, "x y z"]
    epsilon_1: Float[Array, "x y z"]
    sigma_rf_S_m: Float[Array, "x y z"]


def maps(fat_1: Float[Array, "x y z"], tumour: Bool[Array, "x y z"], MHz: int, *, informed: bool = True) -> Maps:
    """Volume-weighted means of LEAN and FAT by the share of fat, and TUMOUR in the tumour; not `informed`: as if it were liver."""
    f = np.asarray(fat_1, dtype=np.float32)

    def mixed(lean: float, fat: float, there: float) -> Array:
        found = (1.0 - f) * np.float32(lean) + f * np.float32(fat)
        return np.where(tumour, np.float32(there), found) if informed else found

    return Maps(
        mixed(LEAN.conductivity_W_m_K, FAT.conductivity_W_m_K, TUMOUR.conductivity_W_m_K),
        mixed(LEAN.capacity_J_m3_K, FAT.capacity_J_m3_K, TUMOUR.capacity_J_m3_K),
        mixed(LEAN.blood_1, FAT.blood_1, TUMOUR.blood_1),
        mixed(LEAN.water_1, FAT.water_1, TUMOUR.water_1) * np.float32(LATENT_J_kg * WATER_kg_m3),
        mixed(LEAN.sigma_S_m[MHz], FAT.sigma_S_m[MHz], TUMOUR.sigma_S_m[MHz]),
        mixed(LEAN.epsilon_1[MHz], FAT.epsilon_1[MHz], TUMOUR.epsilon_1[MHz]),
        mixed(LEAN.sigma_rf_S_m, FAT.sigma_rf_S_m, TUMOUR.sigma_rf_S_m),
    )


def attenuation_1_m(sigma_S_m: float, epsilon_1: float, MHz: int) -> float:
    """Of the field of a plane wave: (ω/c) √(ε_r/2) √(√(1 + (σ/ωε)²) − 1). Balanis 2012, Advanced engineering electromagnetics, 4.3."""
    angular = 2e6 * np.pi * MHz
    loss = sigma_S_m / (angular * epsilon_1 * 8.8541878128e-12)
    return float(angular / 299792458.0 * np.sqrt(epsilon_1 / 2.0) * np.sqrt(np.sqrt(1.0 + loss**2) - 1.0))
