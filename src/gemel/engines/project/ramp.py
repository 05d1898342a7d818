"""The ramp filter, built from its samples in space so that constants are kept, with an optional window in frequency."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from scipy import fft

from gemel.core.errors import RangeError
from gemel.core.image import Array

BLOCK = 1 << 22
"""Samples filtered at once: bounds the memory of the transforms."""

WINDOWS: dict[str, Callable[[Array], Array]] = {
    "ram-lak": np.ones_like,
    "shepp-logan": lambda share: np.sinc(0.5 * share),
    "cosine": lambda share: np.cos(0.5 * np.pi * share),
    "hann": lambda share: 0.5 * (1.0 + np.cos(np.pi * share)),
}


@dataclass(frozen=True)
class Ramp:
    """|f| times a window that ends at `cutoff` of the Nyquist frequency.

    Raises RangeError for an unknown window or a cut-off beyond (0, 1].
    """

    window: str = "ram-lak"
    cutoff: float = 1.0

    def __post_init__(self) -> None:
        if self.window not in WINDOWS or not 0 < self.cutoff <= 1:
            found = f"a window {self.window!r} cut off at {self.cutoff:g} of Nyquist"
            raise RangeError(found, where="Ramp", remedy=f"choose one of {', '.join(WINDOWS)} and a cut-off above 0, at most 1")


RAM_LAK, SHARP, SOFT = Ramp(), Ramp("shepp-logan"), Ramp("hann", 0.7)


def kernel(ramp: Ramp, n: int, pitch: float | int, *, curved: bool = False) -> Float[Array, "k"]:
    """h(k) at k = −(n − 1) … n − 1: h(0) = 1/(4a²), h(odd) = −1/(πka)², h(even) = 0, with the window applied over the padded length.

    Ramachandran & Lakshminarayanan 1971, PNAS 68:2236; Kak & Slaney 1988, Principles of Computerized Tomographic Imaging, eq. 3.61.
    `curved`: a is the angle between pixels and h is multiplied with (ka / sin ka)², eq. 3.117 less its factor ½.
    """
    padded = fft.irfft(_response(ramp, n, pitch, curved))
    return np.concatenate([padded[-(n - 1) :], padded[:n]]) if n > 1 else padded[:1]


def filtered(
    projections: Float32[Array, "views v u"], ramp: Ramp, pitch: float | int, *, curved: bool = False
) -> Float32[Array, "views u v"]:
    """a·Σ_k h(k) p(u − k) along u; the rows of a column then lie side by side."""
    views, nv, nu = projections.shape
    response = (pitch * _response(ramp, nu, pitch, curved)).astype(np.float32)
    length = _padded(nu)
    out = np.empty((views, nu, nv), dtype=np.float32)
    block = max(1, BLOCK // (nv * length))
    for first in range(0, views, block):
        held = slice(first, first + block)
        spectrum = fft.rfft(projections[held], length, axis=-1)
        out[held] = fft.irfft(spectrum * response, length, axis=-1, overwrite_x=True)[..., :nu].swapaxes(1, 2)
    return out


def _padded(n: int) -> int:
    """An even length that keeps the filter's ends apart."""
    return 2 * int(fft.next_fast_len(n, real=True))


def _response(ramp: Ramp, n: int, pitch: float, curved: bool) -> Float[Array, "f"]:
    """Transform of h times the window."""
    length = _padded(n)
    k = np.minimum(np.arange(length), length - np.arange(length))
    odd = k % 2 == 1
    h = np.zeros(length)
    h[0] = 0.25 / pitch**2
    reach = np.sin(np.minimum(k[odd] * pitch, 0.5 * np.pi)) if curved else k[odd] * pitch
    h[odd] = -1.0 / (np.pi * reach) ** 2
    share = np.arange(length // 2 + 1) / (0.5 * length * ramp.cutoff)
    window = np.where(share <= 1, WINDOWS[ramp.window](np.minimum(share, 1.0)), 0.0)
    return fft.rfft(h).real * window
