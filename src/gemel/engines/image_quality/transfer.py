"""Modulation transfer from the image of a disc's edge or of a thin wire."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import fft, ndimage

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array

BIN = 0.1
"""Width of the bins across an edge, in pixels."""


@dataclass(frozen=True)
class Mtf:
    """Modulation by frequency, 1 at zero."""

    f_1_mm: Float[Array, "f"]
    value: Float[Array, "f"]

    def at(self, f_1_mm: float) -> float:
        """Modulation at a frequency, linear between samples."""
        return float(np.interp(f_1_mm, self.f_1_mm, self.value))

    def frequency(self, level: float = 0.5) -> float:
        """The lowest frequency, 1/mm, at which the modulation falls to a level. Raises RangeError when it never does."""
        below = np.flatnonzero(self.value <= level)
        if not 0 < level < 1 or not below.size:
            raise RangeError(f"a modulation that never falls to {level:g}", where="Mtf", remedy="measure to a higher frequency")
        i = int(below[0])
        high, low = self.value[i - 1], self.value[i]
        return float(self.f_1_mm[i - 1] + (high - level) / (high - low) * (self.f_1_mm[i] - self.f_1_mm[i - 1]))


def mtf(image: Float[Array, "x y"], pixel_mm: float, *, centre: tuple[float, float], radius_mm: float, reach_mm: float = 0.0) -> Mtf:
    """From the edge of a disc of known centre (pixels) and radius: |FT| of the edge spread's slope, less the effect of the bins.

    Richard et al. 2012, Med Phys 39:4115 (task transfer function). `reach_mm` to both sides of the edge: 0 takes half the radius. The
    contrast of the disc need not be known; it must be the only structure within reach. Raises as `edge_spread`.
    """
    reach = reach_mm or 0.5 * radius_mm
    distance_mm, value = edge_spread(image, pixel_mm, centre=centre, radius_mm=radius_mm, reach_mm=reach)
    slope = np.diff(value)
    step_mm = float(distance_mm[1] - distance_mm[0])
    middle = 0.5 * (distance_mm[1:] + distance_mm[:-1])
    slope = slope * _hann(middle / reach)
    total = slope.sum()
    if not abs(total) > 0:
        raise InputError("no edge where one was expected", where="mtf", remedy="check centre and radius of the disc")
    length = int(fft.next_fast_len(8 * slope.size, real=True))
    f = fft.rfftfreq(length, step_mm)
    kept = f <= 1.0 / pixel_mm
    bins = np.sinc(f[kept] * step_mm) ** 2  # mean over a bin, then a difference of bins
    return Mtf(f[kept], np.abs(fft.rfft(slope, length))[kept] / abs(total) / bins)


def edge_spread(
    image: Float[Array, "x y"], pixel_mm: float, *, centre: tuple[float, float], radius_mm: float, reach_mm: float
) -> tuple[Float[Array, "d"], Float[Array, "d"]]:
    """Mean value by distance from a disc's edge (mm, outwards), in bins of a tenth of a pixel; empty bins are filled linearly.

    Raises RangeError for a disc of less than three pixels or a ring beyond the image, InputError for values that are not finite.
    """
    if not (pixel_mm > 0 and radius_mm >= 3 * pixel_mm and 2 * pixel_mm <= reach_mm <= radius_mm):
        found = f"a disc of {radius_mm:g} mm seen {reach_mm:g} mm to both sides in pixels of {pixel_mm:g} mm"
        raise RangeError(
            found, where="edge_spread", remedy="the disc must have a radius of 3 pixels and the reach lie between 2 pixels and it"
        )
    outer = (radius_mm + reach_mm) / pixel_mm
    if any(c - outer < -0.5 or c + outer > n - 0.5 for c, n in zip(centre, image.shape)):
        raise RangeError(f"a ring of {outer:.1f} pixels about {centre} beyond the image", where="edge_spread", remedy="lower `reach_mm`")
    x, y = (np.arange(n) - c for n, c in zip(image.shape, centre))
    distance = np.hypot(x[:, None], y[None, :]) * pixel_mm - radius_mm
    count = round(2 * reach_mm / (BIN * pixel_mm))
    index = np.floor((distance + reach_mm) / (2 * reach_mm) * count).astype(np.int64)
    seen = (index >= 0) & (index < count)
    if not np.isfinite(image[seen]).all():
        raise InputError("values that are not finite", where="edge_spread", remedy="fill the gaps of the image")
    number = np.bincount(index[seen], minlength=count)
    total = np.bincount(index[seen], image[seen], minlength=count)
    place = (np.arange(count) + 0.5) / count * 2 * reach_mm - reach_mm
    held = number > 0
    return place, np.interp(place, place[held], total[held] / number[held])


def mtf_of_wire(roi: Float[Array, "x y"], pixel_mm: float) -> Mtf:
    """From a wire thinner than a pixel and parallel to the slices' axis, the only structure in a square region: radial mean of |FT|.

    The background is the mean of the region's rim, whose error must be a fifth of the wire at most. Nickoloff 1988, Phys Med Biol 33:1207.
    Raises RangeError for a region that is not square or smaller than 16 pixels, InputError when nothing rises above the rim.
    """
    if roi.ndim != 2 or roi.shape[0] != roi.shape[1] or len(roi) < 16 or not pixel_mm > 0:
        raise RangeError(
            f"a region of {roi.shape} pixels of {pixel_mm:g} mm", where="mtf_of_wire", remedy="give a square of 16 pixels or more"
        )
    rim = np.concatenate([roi[:2].ravel(), roi[-2:].ravel(), roi[2:-2, :2].ravel(), roi[2:-2, -2:].ravel()])
    point = np.asarray(roi, dtype=np.float64) - rim.mean()
    total = point.sum()
    if not np.isfinite(total) or not abs(total) > 5 * rim.std() * roi.size / np.sqrt(rim.size):
        raise InputError("no wire that stands out from its surroundings", where="mtf_of_wire", remedy="centre the region on the wire")
    n = len(roi)
    spectrum = fft.fftshift(np.abs(fft.fft2(point, (4 * n, 4 * n)))) / abs(total)
    f = np.arange(2 * n) / (4 * n * pixel_mm)
    angle = np.linspace(0, np.pi, 180, endpoint=False)
    at = 2 * n + np.arange(2 * n)[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    value = ndimage.map_coordinates(spectrum, at.reshape(-1, 2).T, order=1).reshape(2 * n, -1).mean(axis=1)
    return Mtf(f, value)


def _hann(share: Float[Array, "d"]) -> Float[Array, "d"]:
    """Flat to 0.6 of the reach, then down to 0 at its end."""
    return np.cos(0.5 * np.pi * np.clip((np.abs(share) - 0.6) / 0.4, 0.0, 1.0)) ** 2
