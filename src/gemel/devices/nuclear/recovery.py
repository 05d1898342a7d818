"""Recovery of activity in small volumes: what a blurred image keeps within the true contour, and what volume errors do to it."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import curve_fit
from scipy.special import erf

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array


@dataclass(frozen=True)
class Recovery:
    """R(v) = 1/(1 + (v/v_half)^-c), with the covariance of (ln v_half, ln c). Gear 2018, Eur J Nucl Med Mol Imaging 45:2456."""

    half_mL: float
    c: float
    covariance: Float[Array, "2 2"]

    def at(self, volume_mL: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """Recovery coefficient, between 0 and 1."""
        return np.asarray(1.0 / (1.0 + (_volume(volume_mL) / self.half_mL) ** -self.c))

    def slope(self, volume_mL: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """d ln R / d ln v = c·(1 - R)."""
        return np.asarray(self.c * (1.0 - self.at(volume_mL)))

    def relative_sd(self, volume_mL: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """u(R)/R from the fit's covariance; ∂lnR/∂ln v_half = -c(1-R) and ∂lnR/∂ln c = (1-R)·c·ln(v/v_half)."""
        volume = _volume(volume_mL)
        left = self.c * (1.0 - self.at(volume))
        gradient = np.stack([-left, left * np.log(volume / self.half_mL)])
        return np.asarray(np.sqrt(np.einsum("i...,ij,j...->...", gradient, self.covariance, gradient)))


NO_LOSS = Recovery(1e-12, 1.0, np.zeros((2, 2)))
"""Large organs and images that were corrected for partial volume: R = 1."""


def fit_recovery(volume_mL: Float[Array, "n"], recovery: Float[Array, "n"], sd: Float[Array, "n"]) -> Recovery:
    """Weighted least-squares curve through spheres of a phantom. Raises InputError for fewer than three spheres."""
    if len(volume_mL) < 3 or not (np.asarray(sd) > 0).all() or not ((recovery > 0) & (recovery < 1.5)).all():
        remedy = "measure three spheres at least, each with its sd"
        raise InputError(f"{len(volume_mL)} recovery coefficients", where="fit_recovery", remedy=remedy)

    def curve(v: Array, log_half: float, log_c: float) -> Array:
        return np.asarray(1.0 / (1.0 + (v / math.exp(log_half)) ** -math.exp(log_c)))

    start = (math.log(float(np.median(volume_mL))), 0.0)
    best, covariance = curve_fit(curve, _volume(volume_mL), recovery, p0=start, sigma=sd, absolute_sigma=True)
    return Recovery(math.exp(best[0]), math.exp(best[1]), np.asarray(covariance))


def sphere_recovery(radius_mm: Float[Array, "*n"] | float, fwhm_mm: float) -> Float[Array, "*n"]:
    """Mean inside the true contour of a uniform sphere in a cold background, blurred by a Gaussian of that FWHM.

    With a = √2·r/σ: R = erf(a) - (3 - e^(-a²) - 2(1 - e^(-a²))/a²)/(a√π), the blurred profile of Kessler 1984 (J Comput Assist Tomogr
    8:514) averaged over the sphere. A warm background B of contrast ratio b adds b·(1 - R).
    """
    a = np.asarray(radius_mm, dtype=np.float64) / fwhm_mm * math.sqrt(16 * math.log(2))
    fading = np.exp(-(a**2))
    return np.asarray(erf(a) - (3 - fading - 2 * (1 - fading) / a**2) / (a * math.sqrt(math.pi)))


def edge_slope(radius_mm: Float[Array, "*n"] | float, fwhm_mm: float) -> Float[Array, "*n"]:
    """d ln C/d ln v: how the counts inside a contour grow with its volume, φ/(2R) in Gear 2018.

    The blurred profile at the edge is φ/2 = ½·erf(√2 r/σ) - σ/(r√(2π))·(1 - e^(-2r²/σ²)).
    """
    sigma_mm = fwhm_mm / math.sqrt(8 * math.log(2))
    r = np.asarray(radius_mm, dtype=np.float64)
    edge = 0.5 * erf(math.sqrt(2) * r / sigma_mm) - sigma_mm / (r * math.sqrt(2 * math.pi)) * (1 - np.exp(-2 * (r / sigma_mm) ** 2))
    return np.asarray(edge / sphere_recovery(r, fwhm_mm))


def _volume(volume_mL: Array) -> Array:
    volume = np.asarray(volume_mL, dtype=np.float64)
    if not (np.isfinite(volume) & (volume > 0)).all():
        raise RangeError(f"a volume of {float(np.min(volume)):.3g} mL", where="recovery", remedy="check the mask; volumes are positive")
    return volume
