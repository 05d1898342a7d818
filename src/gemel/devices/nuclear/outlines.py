"""Outlines over scans and cycles: brought onto an image, and followed by stable names as they appear and vanish."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from scipy.optimize import linear_sum_assignment

from gemel.core.errors import StructureError
from gemel.core.image import Array, Image, same_grid, voxel_index, world_mm
from gemel.core.structures import Structures, centroid_mm
from gemel.engines.registration import resample

OUTSIDE = 0.01
"""Part of a region's voxels that may lie outside the image: rounding of an edge, not a cut organ."""


def onto_image(structures: Structures, image: Image) -> Structures:
    """The masks on the image's grid: voxels at least half covered. Raises StructureError for a VOI outside the field of view."""
    return Structures(image, {name: _onto(structures, name, image) for name in structures.masks})


@dataclass(frozen=True)
class Followed:
    """What became of the regions of an earlier cycle: {name before: name now}, those that are new, and those that vanished."""

    same: dict[str, str]
    new: tuple[str, ...]
    vanished: tuple[str, ...]


def follow(before: Structures, now: Structures, *, within_mm: float) -> Followed:
    """Regions of one name are the same; the others are matched by least total distance of their centroids, at most `within_mm`.

    Both sets lie in one frame of reference. Nothing is paired by laterality: a patient with one kidney has one.
    """
    same = {name: name for name in before.masks if name in now.masks}
    lost = [name for name in before.masks if name not in same]
    found = [name for name in now.masks if name not in same]
    if lost and found:
        centres = (np.array([centroid_mm(before, n) for n in lost]), np.array([centroid_mm(now, n) for n in found]))
        distance_mm = np.linalg.norm(centres[0][:, None] - centres[1][None], axis=-1)
        gated = np.where(distance_mm <= within_mm, distance_mm, 1e6)
        for i, j in zip(*linear_sum_assignment(gated), strict=True):
            if distance_mm[i, j] <= within_mm:
                same[lost[i]] = found[j]
    kept = set(same.values())
    return Followed(same, tuple(n for n in found if n not in kept), tuple(n for n in lost if n not in same))


def _onto(structures: Structures, name: str, image: Image) -> Bool[Array, "x y z"]:
    mask = structures[name]
    points_mm = world_mm(structures.grid, np.argwhere(mask).astype(np.float64))
    index = voxel_index(image, points_mm)
    outside = np.atleast_1d(((index < -0.5) | (index > np.array(image.shape) - 0.5)).any(axis=1))
    if len(outside) == 0 or outside.mean() > OUTSIDE:
        part = "an empty VOI" if len(outside) == 0 else f"a VOI outside the field of view ({100 * outside.mean():.0f} % of its voxels)"
        raise StructureError(part, where=name, remedy="check the frame of reference, or leave the region out of this scan")
    if same_grid(structures.grid, image):
        return np.asarray(mask, dtype=bool)
    covered = resample(Image(mask.astype(np.float32), structures.grid.affine_mm, structures.grid.frame), image, outside=0.0)
    if not (covered.array >= 0.5).any():
        raise StructureError("a VOI smaller than the image's voxels", where=name, remedy="measure it on a finer grid")
    return np.asarray(covered.array >= 0.5)
