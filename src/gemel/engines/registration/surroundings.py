"""The surroundings of a region as a grid of their own along LPS, and outlines and maps brought onto it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gemel.core.errors import GeometryError, RangeError, StructureError
from gemel.core.image import Array, Image, with_array, world_mm
from gemel.core.structures import Structures
from gemel.core.visit import Segmented
from gemel.engines.registration.warp import resample

INSIDE = 0.9
"""Of what is seen later, which must lie in the surroundings."""


@dataclass(frozen=True)
class Reach:
    """Spacing of a grid, from `finest_mm` to `coarsest_mm`; how far it reaches beyond its region, and how large it may be at all."""

    finest_mm: float
    coarsest_mm: float
    beyond_mm: float
    most_mm: float


def outlined(visit: Segmented, names: Sequence[str]) -> dict[str, Bool[Array, "x y z"]]:
    """All outlines; those named must be there, the last of them off the border. Raises StructureError."""
    held, where = {name: np.asarray(mask) for name, mask in visit.structures.masks.items()}, visit.source[:64]
    for name in names:
        if name not in held or not held[name].any():
            raise StructureError(f"no outline of the {name}", where=where, remedy=f"outline the {name} in the planning images")
    if any(np.take(held[names[-1]], (0, -1), axis=axis).any() for axis in range(3)):
        found = f"a {names[-1]} that touches the border of the image"
        raise StructureError(found, where=where, remedy="use images that hold all of it")
    return held


def surroundings(grid: Image, region: Bool[Array, "x y z"], spacing_mm: float, of: Reach, *, called: str) -> Image:
    """A grid about a region, which is called so in errors. Raises RangeError for a region too large, or a grid too coarse or fine."""
    if not of.finest_mm <= spacing_mm <= of.coarsest_mm:
        remedy = f"choose {of.finest_mm:g} to {of.coarsest_mm:g} mm"
        raise RangeError(f"a grid of {spacing_mm:g} mm", where="spacing_mm", remedy=remedy)
    places = world_mm(grid, np.argwhere(region).astype(np.float64))
    low, high = places.min(axis=0) - of.beyond_mm, places.max(axis=0) + of.beyond_mm
    if (high - low > of.most_mm).any():
        found = f"a {called} of {(high - low - 2 * of.beyond_mm).max():.0f} mm"
        raise RangeError(found, where=called, remedy=f"the model is for up to {of.most_mm - 2 * of.beyond_mm:.0f} mm")
    affine_mm = np.diag([spacing_mm] * 3 + [1.0])
    affine_mm[:3, 3] = low
    return Image(np.zeros(tuple(np.ceil((high - low) / spacing_mm).astype(int) + 1), dtype=np.float32), affine_mm, grid.frame)


def share_onto(grid: Image, region: Shaped[Array, "x y z"], onto: Image) -> Float[Array, "i j k"]:
    """How far voxels of another grid lie in a region, 0 to 1, linear between voxels."""
    return np.asarray(resample(with_array(grid, region.astype(np.float32)), onto, outside=0.0).array)


def map_onto(image: Image, onto: Image, needed: Bool[Array, "i j k"], *, called: str, signed: bool = False) -> Float[Array, "i j k"]:
    """A map on another grid, linear between voxels, 0 outside it.

    Raises GeometryError for another frame or voxels that are `needed` and not covered, RangeError for NaN, or below 0 unless `signed`.
    """
    require_frame(image, onto, called)
    if not np.isfinite(image.array).all() or (not signed and float(image.array.min()) < 0):
        wanted = "not finite" if signed else "negative or not finite"
        raise RangeError(f"a {called} that is {wanted}", where=called, remedy="export the map again; set noise below zero to 0")
    if (share_onto(image, np.ones(image.shape), onto)[needed] < 0.5).any():
        raise GeometryError(f"a {called} that does not cover what is computed", where=called, remedy="use a map of the whole organ")
    return share_onto(image, image.array, onto)


def seen_onto(
    seen: Structures, name: str, onto: Image, *, source: str, within: Bool[Array, "i j k"] | None = None
) -> tuple[Float[Array, "i j k"], float]:
    """A region of later images on the grid (and `within` a part of it), and its whole volume in mL.

    Raises StructureError for one that is empty or lies elsewhere, GeometryError for another frame.
    """
    where = source[:64]
    require_frame(seen.grid, onto, f"{name} region")
    if not seen[name].any():
        raise StructureError(f"an empty {name} region", where=where, remedy="outline it, or leave the name out")
    on, volume_mL = share_onto(seen.grid, seen[name], onto), float(np.count_nonzero(seen[name])) * seen.grid.voxel_mL
    on = on if within is None else on * within
    if float(on.sum(dtype=np.float64)) * onto.voxel_mL < INSIDE * volume_mL:
        remedy = "check the frame of reference, and that it is the same place"
        raise StructureError(f"a region {name} beyond the part that is computed", where=where, remedy=remedy)
    return on, volume_mL


def require_frame(image: Image, onto: Image, called: str) -> None:
    """Raises GeometryError where two frames of reference are stated that differ."""
    if image.frame != onto.frame and image.frame and onto.frame:
        raise GeometryError(f"a {called} of frame {image.frame}", where=onto.frame, remedy="register it to the planning images first")
