"""What a SPECT or PET system makes of a known activity: blur, counting noise, and the filter after reconstruction."""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError
from gemel.core.image import Array, Image
from gemel.devices.nuclear.calibration import Calibration

TO_SIGMA = 1.0 / math.sqrt(8.0 * math.log(2.0))


@dataclass(frozen=True)
class Camera:
    """System resolution, filter after reconstruction, calibration, and how much reconstruction multiplies the variance of counts."""

    fwhm_mm: float
    filter_fwhm_mm: float
    calibration: Calibration
    variance_gain: float = 1.0


def blurred(image: Image, fwhm_mm: float) -> Float32[Array, "x y z"]:
    """Gaussian blur of that FWHM; activity is kept but for what leaves the field."""
    sigma = fwhm_mm * TO_SIGMA / image.spacing_mm
    return np.asarray(ndimage.gaussian_filter(np.asarray(image.array, np.float32), sigma, mode="constant"))


def acquire(truth: ActivityImage, camera: Camera, rng: np.random.Generator) -> ActivityImage:
    """Counts that the camera would record of a true activity in Bq/mL: Poisson around the blurred mean, then the filter; zero at least.

    Values are as at the start of the scan (decay within it is not modelled). The variance is multiplied by `variance_gain` by scaling the
    Poisson unit: counts = gain·Poisson(mean/gain).
    """
    if truth.unit != "Bq/mL":
        raise InputError(f"a truth in {truth.unit}", where="acquire", remedy="pass it in Bq/mL")
    per_Bq_mL = camera.calibration.Q_1_MBq_s * 1e-6 * truth.duration_s * truth.image.voxel_mL
    mean = np.maximum(blurred(truth.image, camera.fwhm_mm), 0.0) * per_Bq_mL
    counts = replace(truth.image, array=camera.variance_gain * rng.poisson(mean / camera.variance_gain).astype(np.float32))
    return replace(truth, unit="counts", image=replace(truth.image, array=np.maximum(blurred(counts, camera.filter_fwhm_mm), 0.0)))
