"""The time points of a series brought onto one grid by rigid motion, found on their CTs or on the activity itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from gemel.core.activity import ActivityImage, require_series
from gemel.core.errors import InputError
from gemel.core.image import Array, Image, same_grid, world_mm
from gemel.engines.registration import RigidResult, displaced_mm, pull, resample, rigid, to_moving, zero_field

AROUND_mm = 25.0
"""Sd of the surroundings that a voxel is compared with: as wide as an organ, so that each counts by its outline and not by its amount."""
TOP_mL, TOP_1 = 50.0, 0.005
"""What the scale ends at: the faintest of the brightest 50 mL, at most 0.5 % of the field: organs, not the body or the air around it."""
FLOOR = 0.2
"""Of the top: variation below it is background and noise, and is not scaled up."""
SEEN = 0.1
"""Variation, on the same scale, that is worth comparing."""
SCALE_HU = 300.0  # registration bounds what it takes for air and metal in HU
STILL_mm = 1.5
"""Less motion than this, root mean square over what is compared, is none: redistribution alone feigns 0.3 to 0.7 mm, and moving blurs."""


@dataclass(frozen=True)
class Aligned:
    """Scans on the reference's grid, Bq/mL still at their own times, and the motion of each (None for what was not moved)."""

    scans: tuple[ActivityImage, ...]
    motion: tuple[RigidResult | None, ...]


def align(
    scans: Sequence[ActivityImage], *, reference: int = 0, ct: Sequence[Image] | None = None, translation_sd_mm: float = 15.0
) -> Aligned:
    """Every scan in the frame and on the grid of the reference, linear interpolation, zero outside.

    `ct` holds the CT of each scan, in the scan's frame: motion is found on the bones, and is independent of the redistribution of activity.
    Without CT it is found on the activity against its own surroundings (`_comparable`), and less than STILL_mm is taken for none.
    Raises InputError unless the scans are one series and each has its CT; GeometryError for scans that do not overlap.
    """
    require_series(tuple(scans))
    if ct is not None and len(ct) != len(scans):
        raise InputError(f"{len(ct)} CTs for {len(scans)} scans", where="align", remedy="give one CT a scan, or none")
    fixed, moved, motions = scans[reference].image, [], []
    seen = [_comparable(scan.image) for scan in scans] if ct is None else [_Seen(image, None) for image in ct]
    for i, scan in enumerate(scans):
        motion = None if i == reference else _motion(seen[reference].image, seen[i], translation_sd_mm)
        motions.append(motion)
        moved.append(_onto(scan, motion, fixed))
    return Aligned(tuple(moved), tuple(motions))


@dataclass(frozen=True)
class _Seen:
    """What motion is found on, and where (None: on bone)."""

    image: Image
    mask: Bool[Array, "x y z"] | None


def _motion(fixed: Image, moving: _Seen, translation_sd_mm: float) -> RigidResult | None:
    """What moves one onto the other; None when, found on activity, it is no more than redistribution feigns."""
    found = rigid(fixed, moving.image, mask=moving.mask, translation_sd_mm=translation_sd_mm)
    if moving.mask is None:
        return found
    points_mm = world_mm(moving.image, np.argwhere(moving.mask).astype(np.float64))
    return found if float(np.sqrt((displaced_mm(found, points_mm) ** 2).sum(axis=1).mean())) > STILL_mm else None


def _onto(scan: ActivityImage, motion: RigidResult | None, fixed: Image) -> ActivityImage:
    if motion is None:
        return scan if same_grid(scan.image, fixed) else replace(scan, image=replace(on_grid(scan.image, fixed), frame=fixed.frame))
    field = to_moving(motion, zero_field(fixed, max(fixed.shape)))
    return replace(scan, image=replace(pull(scan.image, field, onto=fixed, outside=0.0), frame=fixed.frame))


def _comparable(image: Image) -> _Seen:
    """(a - m)/√(s² + FLOOR²), m and s² mean and variance of the activity a around each voxel, on a scale of SCALE_HU.

    Linear in the activity, so that an outline blurred by the camera stays in its place whatever its contrast (a root or a logarithm moves
    it); local, so that organs whose amounts change with time weigh alike. Cachier et al. 2003, Comput Vis Image Underst 89:272.
    """
    part = np.maximum(image.array, 0.0).astype(np.float32)
    part /= np.float32(_top(part[part > 0], image.voxel_mL))
    width = AROUND_mm / image.spacing_mm
    mean = ndimage.gaussian_filter(part, width, truncate=3.0)
    variance = np.maximum(ndimage.gaussian_filter(part * part, width, truncate=3.0) - mean * mean, 0.0)
    values = SCALE_HU * (part - mean) / np.sqrt(variance + np.float32(FLOOR) ** 2)
    return _Seen(replace(image, array=values.astype(np.float32)), np.asarray(variance > SEEN**2))


def _top(positive: Float32[Array, "n"], voxel_mL: float) -> float:
    """Value above which the brightest TOP_mL lie; 1 where nothing shines."""
    if len(positive) == 0:
        return 1.0
    above = max(1, min(round(TOP_mL / voxel_mL), round(TOP_1 * len(positive))))
    return float(np.partition(positive, len(positive) - above)[len(positive) - above])


def stacked(aligned: Aligned) -> Float32[Array, "scans x y z"]:
    """The voxel values of all time points, for fits by voxel. Raises InputError when they lie on different grids."""
    first = aligned.scans[0].image
    arrays = [s.image.array for s in aligned.scans]
    if any(a.shape != first.array.shape for a in arrays):
        raise InputError("scans on different grids", where="stacked", remedy="align them first")
    return np.stack(arrays).astype(np.float32)


def on_grid(image: Image, fixed: Image) -> Image:
    """An image of the same frame on another grid, linear, zero outside."""
    return resample(image, fixed, outside=0.0)
