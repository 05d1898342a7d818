"""What two images are compared on: common grid, body inside both, smoothing that does not leak past the edge of a truncated scan."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image
from gemel.engines.registration.field import DisplacementField
from gemel.engines.registration.warp import pull, resample

TISSUE_HU = -400.0  # between fat (about -100) and air (-1000); a truncated or missing voxel (-1024) counts as air
METAL_HU = 2000.0  # above cortical bone (to about 1900 HU): values there are saturated or streaked
Box = tuple[slice, slice, slice]


def onto_grid(image: Image, grid: Image, *, outside: float, field: DisplacementField | None = None) -> Image:
    """The image on another grid, pulled through a field if given, averaged first (sd half the new voxel) along axes where it is finer."""
    ratio = grid.spacing_mm / image.spacing_mm
    sd = np.where(ratio > 1.25, 0.5 * ratio, 0.0)
    array = np.asarray(image.array, np.float32)
    if sd.any():
        array = ndimage.gaussian_filter(array, sd, mode="nearest")
    source = replace(image, array=array)
    return resample(source, grid, outside=outside) if field is None else pull(source, field, onto=grid, outside=outside)


def workable(image: Image, spacing_mm: float = 3.0) -> Image:
    """The image averaged to about the spacing along axes that are finer than three quarters of it."""
    step = np.where(image.spacing_mm < 0.75 * spacing_mm, spacing_mm / image.spacing_mm, 1.0)
    if (step == 1.0).all():
        return image
    shape = 1 + np.ceil((np.array(image.shape) - 1) / step - 1e-6).astype(int)
    grid = Image(np.zeros(shape, np.float32), image.affine_mm @ np.diag([*step, 1.0]), image.frame)
    return replace(onto_grid(image, grid, outside=-1024.0), frame=image.frame)


def body(image: Image, *, margin_mm: float = 6.0) -> Bool[Array, "x y z"]:
    """Largest connected region above TISSUE_HU with holes filled slice by slice, shrunk in-plane by the margin.

    The edge of a truncated field of view is an edge of this region. Raises RangeError when nothing is left.
    """
    smooth = ndimage.gaussian_filter(np.asarray(image.array, np.float32), 3.0 / image.spacing_mm, truncate=3.0)
    labels, count = ndimage.label(smooth > TISSUE_HU)
    if count == 0:
        remedy = "check the rescale slope and intercept of the image"
        raise RangeError(f"no voxel above {TISSUE_HU:g} HU", where="registration", remedy=remedy)
    region = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return np.stack([_shrunk(region[:, :, k], image, margin_mm) for k in range(region.shape[2])], axis=2)


def within(region: Bool[Array, "x y z"], grid: Image, distance_mm: float) -> Bool[Array, "x y z"]:
    """The region grown by a distance."""
    if not region.any():
        return region.copy()
    return ndimage.distance_transform_edt(~region, sampling=grid.spacing_mm) <= distance_mm


def smooth_within(image: Image, region: Bool[Array, "x y z"], sd_mm: float) -> Float32[Array, "x y z"]:
    """Gaussian mean over the region only, G(m f) / G(m), continued a little beyond it; zero farther out."""
    sd = sd_mm / image.spacing_mm
    total = ndimage.gaussian_filter(np.where(region, image.array, 0).astype(np.float32), sd, truncate=3.0)
    norm = ndimage.gaussian_filter(region.astype(np.float32), sd, truncate=3.0)
    return np.where(norm > 0.01, total / np.maximum(norm, 0.01), 0.0).astype(np.float32)


def smoothed(image: Image, sd_mm: float) -> Image:
    """Gaussian mean over the body only, so that air does not leak in at the skin; saturated values are cut at METAL_HU."""
    inside = body(image, margin_mm=0.0)
    cut = replace(image, array=np.minimum(np.asarray(image.array, np.float32), np.float32(METAL_HU)))
    return replace(image, array=smooth_within(cut, inside, sd_mm))


def metal(image: Image, margin_mm: float = 12.0) -> Bool[Array, "x y z"]:
    """Voxels within the margin of something above METAL_HU."""
    return within(np.asarray(image.array) > METAL_HU, image, margin_mm)


def box(region: Bool[Array, "x y z"]) -> Box:
    """Smallest block of voxels that holds the region."""
    x, y, z = (slice(int(i.min()), int(i.max()) + 1) for i in np.nonzero(region))
    return x, y, z


def crop(image: Image, block: Box) -> Image:
    """The block of an image, in its place."""
    affine_mm = image.affine_mm.copy()
    affine_mm[:3, 3] += affine_mm[:3, :3] @ np.array([s.start for s in block])
    return replace(image, array=image.array[block], affine_mm=affine_mm)


def thinned(region: Bool[Array, "x y z"], every: int) -> Bool[Array, "x y z"]:
    """The region at every n-th voxel along each axis."""
    thin = np.zeros_like(region)
    thin[::every, ::every, ::every] = region[::every, ::every, ::every]
    return thin


def _shrunk(region: Array, image: Image, margin_mm: float) -> Array:
    filled = ndimage.binary_fill_holes(region)
    if margin_mm <= 0:
        return filled
    padded = np.pad(filled, 1)
    return (ndimage.distance_transform_edt(padded, sampling=image.spacing_mm[:2]) > margin_mm)[1:-1, 1:-1]
