"""A patient before infusion: outlines and the tensor of diffusion of the planning MRI, on a grid about the target; where tips may lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from gemel.core.errors import RangeError, StructureError
from gemel.core.image import Array, Image
from gemel.core.number import number
from gemel.core.structures import Structures
from gemel.core.time import DAY_S
from gemel.core.visit import Segmented
from gemel.devices.needle import in_a_row, placed
from gemel.engines.registration.surroundings import Reach, map_onto, outlined, share_onto, surroundings
from gemel.systems.infusion.body import PARTS, Body
from gemel.systems.infusion.names import BRAIN, FLUID, OEDEMA, TARGET

REACH = Reach(1.5, 3.0, 18.0, 100.0)
"""Of the grid that is computed, about the target."""
ASIDE_mm, BACK = np.array([5.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
LEAST_mm2_s, MOST_mm2_s = 1e-4, 4e-3
"""Between which the median diffusivity of water in a brain lies."""
SAID = {3: "tensor along LPS: what lies off its diagonal was not given", 6: "tensor along LPS: all of it"}


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
    spacing_mm: float = REACH.finest_mm,
) -> Case:
    """A case from outlines (brain, target; fluid and oedema where there are any) and the tensor along LPS, or its diagonal.

    `catheter`: tips, as `A:12,-30,40/0,0,1` with the direction back along it; by default in the target's middle (A) and 5 mm to either
    side along x (B, C), from above. Raises StructureError for outlines that are empty, cut off or outside the brain, RangeError for a
    tensor that is none, GeometryError for another frame, a map that does not cover the target's surroundings, a tip outside tissue.
    """
    masks, images = outlines(mri), mri.structures.grid
    grid = surroundings(images, masks[TARGET], number(spacing_mm, "spacing_mm"), REACH, called=TARGET)
    on = {name: share_onto(images, mask, grid) >= 0.5 for name, mask in masks.items()}
    nothing = np.zeros(grid.shape, dtype=bool)
    brain, fluid = on[BRAIN], on.get(FLUID, nothing) & on[BRAIN]
    fluid = fluid | surface(brain)
    tissue = brain & ~fluid
    target = on[TARGET] & tissue
    if not target.any():
        raise StructureError("a target without brain tissue", where=mri.source[:64], remedy="outline the target within the brain")
    ease = np.ones((3, *grid.shape)) if dti is None else ease_on(dti, grid, tissue)
    catheters = placed(catheter, "catheter", in_a_row(grid, target, ASIDE_mm, BACK), inside=(grid, tissue, "brain tissue"))
    body = Body(grid, brain, fluid, target, on.get(OEDEMA, nothing), ease.astype(np.float32), catheters)
    said = "no tensor: fluid moves alike in all directions" if dti is None else SAID[len(ease)]
    rest = () if FLUID in on else ("no fluid outlined: nothing leaks into ventricles",)
    return Case(body, mri.structures, mri.acquired_s - DAY_S, (said, *rest))


def outlines(visit: Segmented) -> dict[str, Array]:
    """Brain, target and what else was outlined. Raises StructureError unless the target lies whole in the images."""
    held = outlined(visit, (BRAIN, TARGET))
    return held | {BRAIN: np.logical_or.reduce([held[name] for name in (BRAIN, TARGET, FLUID, OEDEMA) if name in held])}


def surface(brain: Array) -> Array:
    """The outermost voxels, and the box's, where pressure is that of the fluid around."""
    return np.asarray(brain & ~ndimage.binary_erosion(brain))


def ease_on(dti: Mapping[str, Image], grid: Image, tissue: Array) -> Float[Array, "parts x y z"]:
    """Diffusivity over its mean in tissue: along x, y, z, or the tensor where its other parts are there, too.

    Raises RangeError for what is negative, no brain's or in some voxel no positive tensor, GeometryError for cover.
    """
    names = PARTS if "xy" in dti else ("xx", "yy", "zz")
    found = {name: map_onto(dti[name], grid, tissue, called=f"tensor {name}", signed=name[0] != name[1]) for name in names}
    along = np.stack([found[name][tissue] for name in ("xx", "yy", "zz")])
    middle = float(np.median(along))
    if not LEAST_mm2_s <= middle <= MOST_mm2_s:
        found_mm2_s = f"a median diffusivity of {middle:.3g} mm2/s"
        raise RangeError(found_mm2_s, where="dti", remedy=f"brain has {LEAST_mm2_s:g} to {MOST_mm2_s:g}: state the unit it is really in")
    ease = np.stack([found[name] for name in names]) / float(along.mean())
    if len(names) == len(PARTS):
        _require_positive(ease[:, tissue])
    return np.asarray(ease)


def _require_positive(parts: Float[Array, "six n"]) -> None:
    """Sylvester's criterion."""
    xx, xy, xz, yy, yz, zz = parts.astype(np.float64)
    plane = xx * yy - xy**2
    whole = xx * (yy * zz - yz**2) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
    bad = int(np.count_nonzero((xx <= 0) | (plane <= 0) | (whole <= 0)))
    if bad:
        remedy = "fit it again so that all eigenvalues are over zero, or leave xy, xz and yz out"
        raise RangeError(f"a tensor that is not positive in {bad} voxels", where="dti", remedy=remedy)
