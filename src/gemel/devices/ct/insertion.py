"""A scan as it would have been at a lower dose: noise of the scanner's own texture added to a real image."""

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.devices.ct.noise_power import RadialPower, correlated_noise

LEAST_FRACTION = 0.01


def lower_dose(
    hu: Float[Array, "x y z"],
    spacing_mm: tuple[float, float],
    *,
    fraction: float,
    power: RadialPower,
    sd_ratio: Float[Array, "_ _ _"] | None = None,
    rng: np.random.Generator,
) -> Float[Array, "x y z"]:
    """The image with noise added slice by slice so that its variance is that of `fraction` of the dose: σ²/fraction in all.

    Added: noise of the full dose's spectrum `power` times √(1/fraction − 1), for σ² ∝ 1/dose and a linear reconstruction (Yu et al. 2012,
    J Comput Assist Tomogr 36:477, in the image domain). `sd_ratio`: local noise over that of `power` (from `noise_sd`); 1 when not given.
    Slices are independent. Electronic noise is left out: below about 50 quanta a ray real images are worse. Raises RangeError unless
    0.01 ≤ fraction ≤ 1, GeometryError for a ratio of another shape.
    """
    if not LEAST_FRACTION <= fraction <= 1:
        raise RangeError(f"a dose fraction of {fraction:g}", where="lower_dose", remedy="use 0.01 to 1; noise cannot be taken away")
    if sd_ratio is not None and sd_ratio.shape != hu.shape:
        raise GeometryError(f"a noise map of {sd_ratio.shape} for an image of {hu.shape}", where="lower_dose", remedy="resample the map")
    scale = np.sqrt(1 / fraction - 1) * (1.0 if sd_ratio is None else sd_ratio)
    noise = np.stack([correlated_noise(hu.shape[:2], spacing_mm, power, rng=rng) for _ in range(hu.shape[2])], axis=2)
    return np.asarray(hu + scale * noise)
