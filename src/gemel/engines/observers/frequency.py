"""Detectability from spectra: prewhitening and non-prewhitening observers of stationary noise."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array


@dataclass(frozen=True)
class Grid:
    """Frequencies of a square array: radial frequency (1/mm) of each cell and the area of a cell (1/mm²)."""

    f_1_mm: Float[Array, "u v"]
    cell_1_mm2: float


def spectral_grid(pixels: int, pixel_mm: float) -> Grid:
    """The frequencies of the discrete Fourier transform of `pixels` × `pixels` of this size."""
    f = np.fft.fftfreq(pixels, pixel_mm)
    return Grid(np.asarray(np.hypot(f[:, None], f)), 1 / (pixels * pixel_mm) ** 2)


def prewhitening(signal: Float[Array, "*grid"], nps: Float[Array, "*grid"], cell_1_mm2: Float[Array, "*#grid"] | float) -> Float[Array, ""]:
    """d' of the ideal linear observer, d'² = ∫ |W|² TTF² / NPS d²f. ICRU Report 54 (1996), eq. 4.

    signal: |W| TTF, contrast times mm²; nps: contrast² mm². Raises RangeError where the signal is and the noise is not.
    """
    _check(signal, nps)
    if (nps[np.abs(signal) > 0] <= 0).any():
        raise RangeError(
            "a noise power of zero where the signal has power", where="prewhitening", remedy="leave such frequencies out: d' is unbounded"
        )
    return np.asarray(np.sqrt((np.abs(signal) ** 2 / np.where(nps > 0, nps, 1.0) * cell_1_mm2).sum()))


def non_prewhitening(
    signal: Float[Array, "*grid"],
    nps: Float[Array, "*grid"],
    cell_1_mm2: Float[Array, "*#grid"] | float,
    *,
    eye: Float[Array, "*grid"] | None = None,
) -> Float[Array, ""]:
    """d' of the observer whose template is the signal, d'² = [∫ S² E²]² / ∫ S² NPS E⁴, S = |W| TTF.

    With `eye` the NPWE of Burgess 1994, J Opt Soc Am A 11:1237; without, E = 1: Wagner & Brown 1985, Phys Med Biol 30:489.
    """
    _check(signal, nps)
    template = np.abs(signal) ** 2 * (1.0 if eye is None else eye**2)
    passed = (template**2 / np.where(np.abs(signal) > 0, np.abs(signal) ** 2, 1.0) * nps * cell_1_mm2).sum()
    return np.asarray((template * cell_1_mm2).sum() / np.sqrt(passed))


def _check(signal: Float[Array, "*grid"], nps: Float[Array, "*grid"]) -> None:
    if not (np.isfinite(signal).all() and np.isfinite(nps).all() and (nps >= 0).all()):
        raise RangeError(
            "a spectrum that is not finite, or noise power below zero", where="observers", remedy="check the measured NPS and TTF"
        )
    if not (np.abs(signal).max() > 0 and nps.max() > 0):
        raise RangeError(
            "a signal or a noise that is zero everywhere", where="observers", remedy="give a contrast and a measured noise power"
        )
