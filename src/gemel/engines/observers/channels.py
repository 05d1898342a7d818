"""Channels of the channelised observer: columns that an image is projected on."""

import numpy as np
from jaxtyping import Float
from scipy.special import eval_laguerre

from gemel.core.errors import RangeError
from gemel.core.image import Array


def laguerre_gauss(pixels: int, count: int, width_px: float, *, centre_px: tuple[float, float] | None = None) -> Float[Array, "n c"]:
    """u_j = √2/a exp(−πr²/a²) L_j(2πr²/a²), j = 0 … count − 1. Gallas & Barrett 2003, J Opt Soc Am A 20:1725."""
    _check(count, width_px)
    x, y = _offsets(pixels, centre_px)
    g = 2 * np.pi * (x**2 + y**2) / width_px**2
    return np.stack([np.sqrt(2) / width_px * np.exp(-g / 2) * eval_laguerre(j, g) for j in range(count)], axis=1)


def gabor(
    pixels: int, *, passbands_1_px: tuple[tuple[float, float], ...] | None = None, orientations: int = 5, phases: int = 2
) -> Float[Array, "n c"]:
    """exp(−4 ln2 r²/w²) cos(2π f (x cos θ + y sin θ) + β), w = 4 ln2 / (π Δf). Eckstein, Ahumada & Watson 1997, J Opt Soc Am A 14:2406.

    Without pass bands the six octaves from 1/128 to ½ cycle a pixel with five orientations and two phases: 60 channels, those of
    Yu et al. 2013, Med Phys 40:041908.
    """
    bands = passbands_1_px if passbands_1_px is not None else tuple((2.0 ** -(k + 1), 2.0**-k) for k in range(6, 0, -1))
    _check(min(len(bands), orientations, phases, pixels), min((high - low for low, high in bands), default=0.0))
    x, y = _offsets(pixels, None)
    columns = []
    for low, high in bands:
        envelope = np.exp(-4 * np.log(2) * (x**2 + y**2) / (4 * np.log(2) / (np.pi * (high - low))) ** 2)
        for theta in np.arange(orientations) * np.pi / orientations:
            along = np.pi * (low + high) * (x * np.cos(theta) + y * np.sin(theta))
            columns += [envelope * np.cos(along + phase) for phase in np.arange(phases) * np.pi / phases]
    return np.stack(columns, axis=1)


def difference_of_gaussians(
    pixels: int, count: int, *, sigma_1_px: float = 0.015, ratio: float = 1.4, q: float = 1.67
) -> Float[Array, "n c"]:
    """Round channels exp(−½ (f/Qσ_j)²) − exp(−½ (f/σ_j)²), σ_j = σ₀ α^j, in space. Abbey & Barrett 2001, J Opt Soc Am A 18:473."""
    _check(count, sigma_1_px)
    x, y = _offsets(pixels, None)
    r2 = x**2 + y**2
    columns = [_bell(r2, q * sigma_1_px * ratio**j) - _bell(r2, sigma_1_px * ratio**j) for j in range(count)]
    return np.stack(columns, axis=1)


def _bell(r2: Float[Array, "n"], sigma_1_px: float) -> Float[Array, "n"]:
    """Inverse transform of exp(−½ (f/σ)²)."""
    return np.asarray(2 * np.pi * sigma_1_px**2 * np.exp(-2 * (np.pi * sigma_1_px) ** 2 * r2))


def _offsets(pixels: int, centre_px: tuple[float, float] | None) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    cx, cy = centre_px if centre_px is not None else ((pixels - 1) / 2, (pixels - 1) / 2)
    x, y = np.meshgrid(np.arange(pixels) - cx, np.arange(pixels) - cy, indexing="ij")
    return x.ravel(), y.ravel()


def _check(count: int, width: float) -> None:
    if not (count >= 1 and width > 0):
        raise RangeError(f"{count} channels of width {width:g}", where="channels", remedy="use one channel or more of positive width")
