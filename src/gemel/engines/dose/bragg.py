"""Depth dose of a broad proton beam in water: the analytic Bragg curve."""

import numpy as np
from jaxtyping import Float
from scipy.special import gamma as gamma_function
from scipy.special import pbdv

from gemel.core.image import Array

P = 1.77  # exponent of the range-energy relation, Bortfeld 1997, Med Phys 24:2024
BETA_1_CM = 0.012  # slope of the fluence loss by nuclear interactions, ibid.
GAMMA_LOCAL = 0.6  # share of the energy lost there that is absorbed locally, ibid.
NEAR_PEAK = 10.0  # widths from the peak beyond which the form without straggling is used
MEV_CM2_G_TO_GY_MM2_PER_1E6 = 1.602176634e-2  # 1e6 protons x MeV cm²/g in Gy mm²


def sigma_mono_mm(range_mm: float) -> float:
    """Range straggling of a mono-energetic beam, σ = 0.012 R^0.935 (cm). Bortfeld 1997, Med Phys 24:2024."""
    return float(10 * 0.012 * (range_mm / 10) ** 0.935)


def depth_dose_Gy_mm2(depth_mm: Float[Array, "d"], energy_MeV: float, range_mm: float, sigma_mm: float) -> Float[Array, "d"]:
    """Integral depth dose of 1e6 protons, the Bragg curve of Bortfeld 1997, Med Phys 24:2024, eq. 27 without a low-energy tail (ε = 0).

    α = R0/E^p makes the curve's range and energy agree with those given; σ holds straggling and energy spread.
    Its integral is the energy of the protons less the part that nuclear interactions carry away.
    """
    r_cm = (range_mm - np.asarray(depth_mm, dtype=np.float64)) / 10
    R, sigma = range_mm / 10, sigma_mm / 10
    scale = 1 / (P * (R / energy_MeV**P) ** (1 / P) * (1 + BETA_1_CM * R))
    zeta = r_cm / sigma
    near = zeta < NEAR_PEAK
    dose = np.empty_like(r_cm)
    dose[near] = _straggled(zeta[near], sigma)
    dose[~near] = _power(r_cm[~near], sigma, 1 / P - 1) + _nuclear_slope() * _power(r_cm[~near], sigma, 1 / P)
    return np.asarray(MEV_CM2_G_TO_GY_MM2_PER_1E6 * scale * dose)


def _nuclear_slope() -> float:
    return BETA_1_CM + GAMMA_LOCAL * BETA_1_CM * P


def _power(r_cm: Float[Array, "d"], sigma_cm: float, k: float) -> Float[Array, "d"]:
    """Residual range to the power k, with the first term that straggling adds: r^k (1 + k(k−1)σ²/2r²)."""
    return np.asarray(r_cm**k * (1 + k * (k - 1) / 2 * (sigma_cm / r_cm) ** 2))


def _straggled(zeta: Float[Array, "d"], sigma_cm: float) -> Float[Array, "d"]:
    """Gaussian-smeared r^(1/p−1) and r^(1/p) by parabolic cylinder functions; Bortfeld 1997, eq. 27."""
    front = np.exp(-(zeta**2) / 4) * gamma_function(1 / P) / np.sqrt(2 * np.pi) * sigma_cm ** (1 / P)
    peak, slow = pbdv(-1 / P, -zeta)[0], pbdv(-1 / P - 1, -zeta)[0]
    return np.asarray(front * (peak / sigma_cm + _nuclear_slope() / P * slow))
