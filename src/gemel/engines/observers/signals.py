"""Signals to be found: discs and Gaussian blobs, in pixels and as spectra."""

import numpy as np
from jaxtyping import Float
from scipy.special import j1

from gemel.core.errors import RangeError
from gemel.core.image import Array


def disc(shape: tuple[int, int], radius_px: float, *, centre_px: tuple[float, float] | None = None, parts: int = 1) -> Float[Array, "x y"]:
    """One inside a disc; each pixel asked at parts × parts points. The centre is that of the array unless given (pixel indices).

    Raises RangeError unless radius and parts are positive.
    """
    if not (radius_px > 0 and parts >= 1):
        raise RangeError(
            f"a disc of radius {radius_px:g} px in {parts} parts", where="disc", remedy="give a positive radius and 1 part or more"
        )
    cx, cy = centre_px if centre_px is not None else ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
    x, y = ((np.arange(n * parts) + 0.5) / parts - 0.5 for n in shape)
    inside = (x[:, None] - cx) ** 2 + (y - cy) ** 2 <= radius_px**2
    return np.asarray(inside.reshape(shape[0], parts, shape[1], parts).mean(axis=(1, 3)))


def disc_spectrum(f_1_mm: Float[Array, "..."], diameter_mm: float) -> Float[Array, "..."]:
    """Fourier transform of a disc of unit height, R J₁(2πRf)/f (mm²); πR² at zero. Bracewell 2000, The Fourier Transform, ch. 13."""
    R, f = diameter_mm / 2, np.asarray(f_1_mm, dtype=np.float64)
    safe = np.where(f > 0, f, 1.0)
    return np.asarray(np.where(f > 0, R * j1(2 * np.pi * R * safe) / safe, np.pi * R * R))


def gaussian_spectrum(f_1_mm: Float[Array, "..."], sigma_mm: float) -> Float[Array, "..."]:
    """Fourier transform of exp(−r²/2σ²), 2πσ² exp(−2π²σ²f²) (mm²)."""
    f = np.asarray(f_1_mm, dtype=np.float64)
    return np.asarray(2 * np.pi * sigma_mm**2 * np.exp(-2 * (np.pi * sigma_mm * f) ** 2))
