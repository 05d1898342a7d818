"""The time points of a series brought onto one grid by rigid motion, found on their CTs or on the activity itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from gemel.core.activity import ActivityImage, require_series
from gemel.core.errors import InputError
from gemel.core.image import Array, Image
from gemel.engines.registration import RigidResult, pull, resample, rigid, to_moving, zero_field

TOP_HU = 1500.0  # below what registration takes for metal
SEEN = 0.2  # of the top after the square root: what is worth comparing


@dataclass(frozen=True)
class Aligned:
    """Scans on the reference's grid, Bq/mL still at their own times, and the motion of each (None for the reference)."""

    scans: tuple[ActivityImage, ...]
    motion: tuple[RigidResult | None, ...]


def align(
    scans: Sequence[ActivityImage], *, reference: int = 0, ct: Sequence[Image] | None = None, translation_sd_mm: float = 15.0
) -> Aligned:
    """Every scan in the frame and on the grid of the reference, linear interpolation, zero outside.

    `ct` holds the CT of each scan, in the scan's frame: motion is found on the bones, and is independent of the redistribution of activity.
    Without CT it is found on the square root of the activity, whose pattern changes with time: check `similarity`.
    Raises InputError unless the scans are one series and each has its CT.
    """
    require_series(tuple(scans))
    if ct is not None and len(ct) != len(scans):
        raise InputError(f"{len(ct)} CTs for {len(scans)} scans", where="align", remedy="give one CT a scan, or none")
    seen = [_comparable(scan.image) for scan in scans] if ct is None else list(ct)
    fixed = scans[reference].image
    moved, motions = [], []
    for i, scan in enumerate(scans):
        motion = None if i == reference else _motion(seen[reference], seen[i], translation_sd_mm, activity=ct is None)
        motions.append(motion)
        moved.append(scan if motion is None else replace(scan, image=_onto(scan.image, motion, fixed)))
    return Aligned(tuple(moved), tuple(motions))


def _motion(fixed: Image, moving: Image, translation_sd_mm: float, *, activity: bool) -> RigidResult:
    mask = moving.array > SEEN * TOP_HU if activity else None
    return rigid(fixed, moving, mask=mask, translation_sd_mm=translation_sd_mm)


def _onto(image: Image, motion: RigidResult, fixed: Image) -> Image:
    field = to_moving(motion, zero_field(fixed, max(fixed.shape)))
    return replace(pull(image, field, onto=fixed, outside=0.0), frame=fixed.frame)


def _comparable(image: Image) -> Image:
    """√ of the activity on a scale of 0 to TOP_HU: equalises noise, and keeps hot spots from ruling alone."""
    root = np.sqrt(np.maximum(image.array, 0.0))
    top = float(np.percentile(root[root > 0], 99.5)) if (root > 0).any() else 1.0
    return replace(image, array=np.minimum(TOP_HU * root / top, TOP_HU).astype(np.float32))


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
