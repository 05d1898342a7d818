"""How wide a proton pencil becomes in water: multiple Coulomb scattering and the nuclear halo."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.dose.stopping_power import PROTON_MEV, energy_at_range_MeV

RADIATION_LENGTH_MM = 360.8  # water, Particle Data Group 2022
HIGHLAND_MEV = 14.1  # Highland 1975, Nucl Instrum Methods 129:497; as generalised by Gottschalk 1993
STEPS = 60


@dataclass(frozen=True)
class Moments:
    """Fermi–Eyges moments of a pencil: ⟨θ²⟩ (A0), ⟨xθ⟩ in mm (A1), ⟨x²⟩ in mm² (A2). Gottschalk 2010, Med Phys 37:352."""

    theta2: float
    x_theta_mm: float
    x2_mm2: float


def slab_moments(thickness_mm: float, range_mm: float, relative_stopping_power: float, radiation_length_mm: float) -> Moments:
    """Moments at the far face of a slab, A_n = (14.1 MeV)² (1 + lg(t/L)/9)² ∫ (t−u)^n / (pv)² du/L, for protons of `range_mm` in water.

    Gottschalk et al. 1993, Nucl Instrum Methods B 74:467: Highland's single-scattering factor of the whole slab.
    """
    if thickness_mm == 0:
        return Moments(0.0, 0.0, 0.0)
    u = (np.arange(STEPS) + 0.5) / STEPS * thickness_mm
    energy = energy_at_range_MeV(range_mm - relative_stopping_power * u)
    pv = energy * (energy + 2 * PROTON_MEV) / (energy + PROTON_MEV)
    single = max(1 + np.log10(thickness_mm / radiation_length_mm) / 9, 0.0)
    power = (HIGHLAND_MEV * single / pv) ** 2 / radiation_length_mm * thickness_mm / STEPS
    left = thickness_mm - u
    return Moments(float(power.sum()), float((power * left).sum()), float((power * left**2).sum()))


def spread_mm2(moments: Moments, drift_mm: Float[Array, "d"]) -> Float[Array, "d"]:
    """⟨x²⟩ after a further drift L without scattering, A2 + 2 A1 L + A0 L²."""
    return np.asarray(moments.x2_mm2 + 2 * moments.x_theta_mm * drift_mm + moments.theta2 * drift_mm**2)


def sigma_water_mm(depth_mm: Float[Array, "d"], range_mm: float) -> Float[Array, "d"]:
    """Lateral standard deviation after `depth_mm` of water, σ² = (14.1 MeV)² (1 + lg(z/L)/9)² ∫ ((z−z')/pv)² dz'/L; held past the range.

    Gottschalk et al. 1993, Nucl Instrum Methods B 74:467 (Highland's formula as an integral over a thick slab).
    """
    z = np.clip(np.asarray(depth_mm, dtype=np.float64), 1e-3, range_mm)
    share = (np.arange(STEPS) + 0.5) / STEPS
    left_mm = range_mm - z[:, None] * share
    energy = energy_at_range_MeV(left_mm)
    pv = energy * (energy + 2 * PROTON_MEV) / (energy + PROTON_MEV)
    integral = z**3 * np.mean(((1 - share) / pv) ** 2, axis=1) / RADIATION_LENGTH_MM
    single = np.maximum(1 + np.log10(z / RADIATION_LENGTH_MM) / 9, 0)
    return np.asarray(HIGHLAND_MEV * single * np.sqrt(integral) * (np.asarray(depth_mm) > 0))


def halo_sigma_mm(depth_mm: Float[Array, "d"], range_mm: float) -> Float[Array, "d"]:
    """Spread of the nuclear halo, to be added in quadrature to the core; depths past the range are held.

    Soukup et al. 2005, Phys Med Biol 50:5089, fit to Monte Carlo in water: 2.85 + 0.0014 R ln(z+3) + 0.06 z − 7.4e-5 z² − 0.22 R/(z−R−5)².
    """
    z = np.clip(depth_mm, 0, range_mm)
    R = range_mm
    return np.asarray(2.85 + 0.0014 * R * np.log(z + 3) + 0.06 * z - 7.4e-5 * z**2 - 0.22 * R / (z - R - 5) ** 2)


def halo_weight(depth_mm: Float[Array, "d"], range_mm: float) -> Float[Array, "d"]:
    """Share of the depth dose that is in the nuclear halo, never below 0; depths past the range are held.

    Soukup et al. 2005, Phys Med Biol 50:5089: 0.052 ln(1.13 + z/(11.2−0.023R)) + 0.35 (0.0017R²−R)/((R+3)²−z²) − 1.61e-9 z (R+3)².
    Valid to R = 400 mm.
    """
    z = np.clip(depth_mm, 0, range_mm)
    R = range_mm
    grown = 0.052 * np.log(1.13 + z / (11.2 - 0.023 * R))
    return np.asarray(np.maximum(grown + 0.35 * (0.0017 * R**2 - R) / ((R + 3) ** 2 - z**2) - 1.61e-9 * z * (R + 3) ** 2, 0))
