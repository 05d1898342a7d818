"""Noise power spectrum of square regions of uniform images."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import fft

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array


@dataclass(frozen=True)
class NoisePower:
    """`power` in the image's unit squared times mm², at frequencies from −Nyquist up, zero in the middle; its integral is the variance."""

    f_x_1_mm: Float[Array, "x"]
    f_y_1_mm: Float[Array, "y"]
    power: Float[Array, "x y"]

    @property
    def variance(self) -> float:
        """∫∫ power df_x df_y."""
        return float(self.power.sum() * (self.f_x_1_mm[1] - self.f_x_1_mm[0]) * (self.f_y_1_mm[1] - self.f_y_1_mm[0]))


def nps(rois: Float[Array, "n x y"], pixel_mm: float | int, *, order: int = 0) -> NoisePower:
    """Δ²/(N_x N_y)·⟨|DFT(region − trend)|²⟩; its integral is the mean variance about the trend, a surface of degree `order` (0, 1 or 2).

    ICRU Report 87 (2012), sec. 4; Siewerdsen, Cunningham & Jaffray 2002, Med Phys 29:2655. What the trend takes from the lowest frequencies
    is not given back: the variance is that of one region. Raises RangeError for regions smaller than 8 pixels, a pixel not above 0 or an
    unknown order, InputError for values that are not finite.
    """
    if rois.ndim != 3 or not len(rois) or min(rois.shape[1:]) < 8 or not pixel_mm > 0 or order not in (0, 1, 2):
        found = f"regions of shape {rois.shape}, pixels of {pixel_mm:g} mm, order {order}"
        raise RangeError(found, where="nps", remedy="give (regions, x, y) of 8 pixels or more, a pixel above 0 and an order of 0, 1 or 2")
    if not np.isfinite(rois).all():
        raise InputError("values that are not finite", where="nps", remedy="place the regions inside the image")
    rest = _detrended(np.asarray(rois, dtype=np.float64), order)
    _, nx, ny = rois.shape
    power = (np.abs(fft.fft2(rest)) ** 2).mean(axis=0) * pixel_mm**2 / (nx * ny)
    return NoisePower(fft.fftshift(fft.fftfreq(nx, pixel_mm)), fft.fftshift(fft.fftfreq(ny, pixel_mm)), fft.fftshift(power))


def radial(spectrum: NoisePower, bins: int = 0) -> tuple[Float[Array, "bins"], Float[Array, "bins"]]:
    """Mean frequency and mean power in rings of equal width up to the smaller Nyquist frequency; rings without a sample are left out."""
    f = np.hypot(spectrum.f_x_1_mm[:, None], spectrum.f_y_1_mm[None, :]).ravel()
    nyquist = min(-spectrum.f_x_1_mm[0], -spectrum.f_y_1_mm[0])
    count = bins or min(spectrum.power.shape) // 2
    ring = np.floor(f / nyquist * count).astype(np.int64)
    kept = (ring < count) & (f > 0)
    number = np.bincount(ring[kept], minlength=count)
    total_f = np.bincount(ring[kept], f[kept], minlength=count)
    total = np.bincount(ring[kept], spectrum.power.ravel()[kept], minlength=count)
    held = number > 0
    return total_f[held] / number[held], total[held] / number[held]


def _detrended(rois: Float[Array, "n x y"], order: int) -> Float[Array, "n x y"]:
    """Each region less the polynomial surface that fits it best."""
    n, nx, ny = rois.shape
    x, y = np.meshgrid(np.linspace(-1, 1, nx), np.linspace(-1, 1, ny), indexing="ij")
    basis = np.stack([x.ravel() ** i * y.ravel() ** j for i in range(order + 1) for j in range(order + 1 - i)], axis=1)
    across, _ = np.linalg.qr(basis)
    flat = rois.reshape(n, -1)
    return (flat - flat @ across @ across.T).reshape(rois.shape)
