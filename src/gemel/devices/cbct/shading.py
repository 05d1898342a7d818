"""Slow errors of CT numbers, found where two images of one anatomy hold the same tissue."""

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image, require_same_grid, with_array

SMOOTH_MM = 25.0
"""Shading varies slower than this; organs do not."""
ALIKE_HU = 150.0
"""Voxels that differ by more are other tissue: gas that came, bone at an edge."""
TISSUE_HU = (-300.0, 3000.0)
LEAST_SHARE = 0.02
"""Without this share of the smoothing weight on tissue there is no estimate."""


def unshaded(image: Image, prior: Image, where: Bool[Array, "x y z"]) -> Image:
    """image + G⊗[w (prior − image)] / G⊗w, w = 1 on tissue that is alike in both; voxels out of `where` stay.

    Marchant et al. 2008, Phys Med Biol 53:5719 (low-frequency shading from the planning CT). Raises GeometryError for two grids,
    RangeError when the two have no tissue in common.
    """
    require_same_grid(image, prior, "cbct.unshaded")
    apart = prior.array - image.array
    tissue = (prior.array > TISSUE_HU[0]) & (prior.array < TISSUE_HU[1]) & (image.array > TISSUE_HU[0])
    alike = where & tissue & (np.abs(apart) < ALIKE_HU)
    if not alike.any():
        raise RangeError("no voxel with the same tissue in both images", where="cbct.unshaded", remedy="align the CT to the scan first")
    return with_array(image, np.where(where, image.array + smooth_where(apart, alike, image), image.array).astype(np.float32))


def smooth_where(values: Float32[Array, "x y z"], alike: Bool[Array, "x y z"], grid: Image) -> Float32[Array, "x y z"]:
    """Normalised convolution with a Gaussian of SMOOTH_MM: Knutsson & Westin 1993, CVPR 515."""
    sigma = SMOOTH_MM / grid.spacing_mm
    weight = ndimage.gaussian_filter(alike.astype(np.float32), sigma, mode="constant")
    total = ndimage.gaussian_filter(np.where(alike, values, np.float32(0)), sigma, mode="constant")
    return np.asarray(np.where(weight > LEAST_SHARE, total / np.maximum(weight, LEAST_SHARE), 0.0), dtype=np.float32)
