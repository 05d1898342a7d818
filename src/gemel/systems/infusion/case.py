"""A patient before infusion: outlines and the tensor of diffusion of the planning MRI, on a grid about the target; where tips may lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from gemel.core.errors import GeometryError, InputError, RangeError, StructureError
from gemel.core.image import Array, Image, voxel_index, world_mm
from gemel.core.structures import Structures
from gemel.core.time import DAY_S
from gemel.core.visit import Segmented
from gemel.devices.needle import Needle, read_needle, require_inside
from gemel.systems.infusion.body import Body
from gemel.systems.infusion.names import BRAIN, FLUID, OEDEMA, TARGET

SPACING_mm, COARSEST_mm, AROUND_mm, MOST_mm = 1.5, 3.0, 18.0, 100.0
"""Of the grid that is computed, and how far it reaches beyond the target."""
STEP_mm = 5.0
LEAST_mm2_s, MOST_mm2_s = 1e-4, 4e-3
"""Between which the median diffusivity of water in a brain lies."""


@dataclass(frozen=True)
class Case:
    """The body that is computed, when the twin starts (a day before the images), and what was assumed."""

    body: Body
    structures: Structures
    start_s: float
    notes: tuple[str, ...]


def begin(
    mri: Segmented,
    dti: Mapping[str, Image] | None = None,
    *,
    catheter: Sequence[str] | str = (),
    spacing_mm: float | str = SPACING_mm,
) -> Case:
    """A case from outlines (brain, target; fluid and oedema where there are any) and the diagonal of the tensor along LPS.

    `catheter`: tips, as `A:12,-30,40/0,0,1` with the direction back along it; by default in the target's middle (A) and 5 mm to either
    side along x (B, C), from above. Raises StructureError for outlines that are empty, cut off or outside the brain, RangeError for a
    tensor that is none, GeometryError for another frame, a map that does not cover the target's surroundings, a tip outside tissue.
    """
    masks = outlines(mri)
    grid = working(mri.structures.grid, masks[TARGET], float(spacing_mm))
    on = {name: onto(mri.structures.grid, mask.astype(np.float32), grid) >= 0.5 for name, mask in masks.items()}
    nothing = np.zeros(grid.shape, dtype=bool)
    brain, fluid = on[BRAIN], on.get(FLUID, nothing) & on[BRAIN]
    fluid = fluid | surface(brain)
    tissue = brain & ~fluid
    target = on[TARGET] & tissue
    if not target.any():
        raise StructureError("a target without brain tissue", where=mri.source[:64], remedy="outline the target within the brain")
    ease = np.ones((3, *grid.shape)) if dti is None else ease_on(dti, mri.structures.grid, grid, tissue)
    catheters = _catheters([catheter] if isinstance(catheter, str) else catheter, grid, target)
    for one in catheters:
        require_inside(one, tissue, grid, "catheter", "brain tissue")
    body = Body(grid, brain, fluid, target, on.get(OEDEMA, nothing), ease.astype(np.float32), catheters)
    said = (
        "no tensor: fluid moves alike in all directions" if dti is None else "tensor along LPS: what lies off its diagonal is left out",
    )
    rest = () if FLUID in on else ("no fluid outlined: nothing leaks into ventricles",)
    return Case(body, mri.structures, mri.acquired_s - DAY_S, (*said, *rest))


def outlines(visit: Segmented) -> dict[str, Array]:
    """Brain, target and what else was outlined. Raises StructureError unless the target lies whole in the images."""
    held = {name: np.asarray(mask) for name, mask in visit.structures.masks.items()}
    for name in (BRAIN, TARGET):
        if name not in held or not held[name].any():
            raise StructureError(f"no outline of the {name}", where=visit.source[:64], remedy=f"outline the {name} in the planning images")
    target = held[TARGET]
    if any(np.take(target, (0, -1), axis=axis).any() for axis in range(3)):
        raise StructureError(
            "a target that touches the border of the image", where=visit.source[:64], remedy="use images that hold all of it"
        )
    held[BRAIN] = np.logical_or.reduce([held[name] for name in (BRAIN, TARGET, FLUID, OEDEMA) if name in held])
    return held


def working(grid: Image, target: Array, spacing_mm: float) -> Image:
    """A grid along LPS about the target. Raises RangeError for a target beyond what catheters reach, or a grid too coarse or fine."""
    if not SPACING_mm <= spacing_mm <= COARSEST_mm:
        raise RangeError(f"a grid of {spacing_mm:g} mm", where="spacing_mm", remedy=f"choose {SPACING_mm:g} to {COARSEST_mm:g} mm")
    places = world_mm(grid, np.argwhere(target).astype(np.float64))
    low, high = places.min(axis=0) - AROUND_mm, places.max(axis=0) + AROUND_mm
    if (high - low > MOST_mm).any():
        found = f"a target of {(high - low - 2 * AROUND_mm).max():.0f} mm"
        raise RangeError(found, where="target", remedy=f"the model is for targets up to {MOST_mm - 2 * AROUND_mm:.0f} mm")
    affine_mm = np.diag([spacing_mm] * 3 + [1.0])
    affine_mm[:3, 3] = low
    return Image(np.zeros(tuple(np.ceil((high - low) / spacing_mm).astype(int) + 1), dtype=np.float32), affine_mm, grid.frame)


def onto(source: Image, values: Float[Array, "x y z"], grid: Image, outside: float = 0.0) -> Float[Array, "i j k"]:
    """Values on another grid, linear between voxels; `outside` where there are none."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float64)
    at = voxel_index(source, world_mm(grid, index)).T
    return ndimage.map_coordinates(values, at, order=1, mode="constant", cval=outside).reshape(grid.shape)


def surface(brain: Array) -> Array:
    """The outermost voxels, and the box's, where pressure is that of the fluid around."""
    return np.asarray(brain & ~ndimage.binary_erosion(brain))


def ease_on(dti: Mapping[str, Image], of: Image, grid: Image, tissue: Array) -> Float[Array, "three x y z"]:
    """Diffusivity along x, y, z over its mean in tissue. Raises RangeError for what is negative or no brain's, GeometryError for cover."""
    parts = []
    for axis in ("xx", "yy", "zz"):
        image = dti[axis]
        if image.frame != of.frame and image.frame and of.frame:
            raise GeometryError(f"a tensor of frame {image.frame}", where=of.frame, remedy="register it to the planning images first")
        if not np.isfinite(image.array).all() or float(image.array.min()) < 0:
            raise RangeError(
                "a tensor that is negative or not finite", where=f"dti {axis}", remedy="fit it again; set noise below zero to 0"
            )
        found = onto(image, image.array.astype(np.float32), grid, np.nan)
        if np.isnan(found[tissue]).any():
            raise GeometryError("a tensor that does not cover the brain about the target", where="dti", remedy="use one of the whole brain")
        parts.append(np.nan_to_num(found))
    ease = np.stack(parts)
    middle = float(np.median(ease[:, tissue]))
    if not LEAST_mm2_s <= middle <= MOST_mm2_s:
        found_mm2_s = f"a median diffusivity of {middle:.3g} mm2/s"
        raise RangeError(found_mm2_s, where="dti", remedy=f"brain has {LEAST_mm2_s:g} to {MOST_mm2_s:g}: state the unit it is really in")
    return np.asarray(ease / float(ease[:, tissue].mean()))


def _catheters(texts: Sequence[str], grid: Image, target: Array) -> tuple[Needle, ...]:
    found = tuple(read_needle(text, "catheter") for text in texts)
    if len({one.name for one in found}) < len(found):
        raise InputError("two catheters of one name", where="catheter", remedy="give each its own letter")
    if found:
        return found
    middle = world_mm(grid, np.argwhere(target).astype(np.float64)).mean(axis=0)
    aside, back = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
    return tuple(Needle(name, middle + step * aside, back) for name, step in (("A", 0.0), ("B", STEP_mm), ("C", -STEP_mm)))
