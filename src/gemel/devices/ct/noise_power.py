"""The noise power spectrum of a scanner, and noise that has it."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.image_quality import nps


@dataclass(frozen=True)
class RadialPower:
    """Radial noise power (HU² mm²) by spatial frequency; straight between points, held below the first, nothing beyond the last."""

    f_1_mm: Float[Array, "n"]
    power_HU2_mm2: Float[Array, "n"]

    def __post_init__(self) -> None:
        f, power = self.f_1_mm, self.power_HU2_mm2
        rising = f.ndim == 1 and f.shape == power.shape and len(f) > 1 and bool((np.diff(f) > 0).all()) and f[0] >= 0
        if not (rising and np.isfinite(power).all() and (power >= 0).all() and power.max() > 0):
            raise RangeError(
                "a noise power with falling frequencies or negative values",
                where="RadialPower",
                remedy="give radial bins from 0 up, power ≥ 0",
            )


def power_at(power: RadialPower, f_1_mm: Float[Array, "..."]) -> Float[Array, "..."]:
    """Noise power at these frequencies, HU² mm²."""
    return np.asarray(np.interp(f_1_mm, power.f_1_mm, power.power_HU2_mm2, right=0.0))


def variance_HU2(power: RadialPower) -> float:
    """σ² = 2π ∫ NPS f df. ICRU Report 87 (2012), §5.3."""
    f = np.linspace(0.0, float(power.f_1_mm[-1]), 4001)
    return float(2 * np.pi * np.trapezoid(power_at(power, f) * f, f))


def scaled_to(power: RadialPower, sd_HU: float) -> RadialPower:
    """The same shape with this standard deviation."""
    return replace(power, power_HU2_mm2=power.power_HU2_mm2 * sd_HU**2 / variance_HU2(power))


def measured(images: Float[Array, "n x y"], pixel_mm: float, *, bins: int = 32) -> RadialPower:
    """Radial noise power of images of noise alone (differences of repeats over √2, or regions less their mean surface).

    `image_quality.nps` averaged in rings out to the corners of the band, so that noise made from it has the images' variance. Raises as it.
    """
    found = nps(images, pixel_mm)
    f = np.hypot(found.f_x_1_mm[:, None], found.f_y_1_mm)
    ring = np.digitize(f.ravel(), np.linspace(0.0, f.max() * (1 + 1e-9), bins + 1)) - 1
    count = np.maximum(np.bincount(ring, minlength=bins), 1)
    mean_f, mean = (np.bincount(ring, values.ravel(), bins) / count for values in (f, found.power))
    return RadialPower(mean_f + 1e-12 * np.arange(bins), mean)


def correlated_noise(
    shape: tuple[int, int], pixel_mm: tuple[float, float], power: RadialPower, *, rng: np.random.Generator
) -> Float[Array, "x y"]:
    """Stationary normal noise with this power: white noise times √(NPS/Δ²) in frequencies. Its variance is what the pixels' grid holds."""
    f = np.hypot(np.fft.fftfreq(shape[0], pixel_mm[0])[:, None], np.fft.rfftfreq(shape[1], pixel_mm[1]))
    white = np.fft.rfft2(rng.standard_normal(shape))
    return np.asarray(np.fft.irfft2(white * np.sqrt(power_at(power, f) / (pixel_mm[0] * pixel_mm[1])), s=shape))
