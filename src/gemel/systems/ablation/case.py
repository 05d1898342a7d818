"""A patient before ablation: outlines of the planning images and the share of fat, on a grid about the tumour; where antennas may stand."""

from collections.abc import Sequence
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
from gemel.systems.ablation.body import Body
from gemel.systems.ablation.names import CRITICAL, ORGAN, TUMOUR
from gemel.systems.ablation.tissue import LEAN

SPACING_mm, COARSEST_mm, AROUND_mm, MOST_mm = 2.0, 4.0, 32.0, 128.0
"""Of the grid that is computed, and how far it reaches beyond the tumour."""
STEP_mm = 5.0
USUAL_FAT_1 = 0.05


@dataclass(frozen=True)
class Case:
    """The body that is computed, when the twin starts (a day before the images), and what was assumed."""

    body: Body
    structures: Structures
    start_s: float
    notes: tuple[str, ...]


def begin(
    mri: Segmented,
    fat: Image | None = None,
    *,
    antenna: Sequence[str] | str = (),
    MHz: int | str = 2450,
    spacing_mm: float | str = SPACING_mm,
) -> Case:
    """A case from outlines (organ, tumour, and `critical` where there is one) and a map of the share of fat.

    `antenna`: places, as `A:12,-30,40/0,0,1`; by default along z through the tumour's middle (A) and 5 mm to either end (B, C). Raises
    StructureError for outlines that are empty, cut off or outside the organ, RangeError for shares that are none, GeometryError for
    another frame, a map that does not cover the tumour, an antenna outside the organ.
    """
    masks = outlines(mri)
    if int(MHz) not in LEAN.sigma_S_m:
        raise RangeError(f"a frequency of {MHz} MHz", where="MHz", remedy=f"choose from {', '.join(map(str, LEAN.sigma_S_m))}")
    grid = working(mri.structures.grid, masks[TUMOUR], float(spacing_mm))
    on = {name: onto(mri.structures.grid, mask.astype(np.float32), grid) >= 0.5 for name, mask in masks.items()}
    shares = np.full(grid.shape, USUAL_FAT_1, np.float32) if fat is None else fat_on(fat, mri.structures.grid, grid, on[ORGAN])
    entries = _entries([antenna] if isinstance(antenna, str) else antenna, grid, on[TUMOUR])
    for one in entries:
        require_inside(one, on[ORGAN], grid, "antenna", "the organ")
    nothing = np.zeros(grid.shape, dtype=bool)
    body = Body(grid, on[ORGAN], on[TUMOUR], on.get(CRITICAL, nothing), shares, entries, int(MHz))
    said = f"share of fat {100 * float(shares[on[ORGAN]].mean()):.1f} %{' assumed: no map' if fat is None else ' (mean of the map)'}"
    rest = () if CRITICAL in on else ("nothing was outlined that must stay cool",)
    return Case(body, mri.structures, mri.acquired_s - DAY_S, (said, *rest))


def outlines(visit: Segmented) -> dict[str, Array]:
    """Organ, tumour and what else was outlined. Raises StructureError unless the tumour lies whole in the organ and the images."""
    held = {name: np.asarray(mask) for name, mask in visit.structures.masks.items()}
    for name in (ORGAN, TUMOUR):
        if name not in held or not held[name].any():
            raise StructureError(f"no outline of the {name}", where=visit.source[:64], remedy=f"outline the {name} in the planning images")
    tumour = held[TUMOUR]
    if any(np.take(tumour, (0, -1), axis=axis).any() for axis in range(3)):
        raise StructureError(
            "a tumour that touches the border of the image", where=visit.source[:64], remedy="use images that hold all of it"
        )
    held[ORGAN] = held[ORGAN] | tumour | held.get(CRITICAL, tumour)  # heat goes through all of them
    return held


def working(grid: Image, tumour: Array, spacing_mm: float) -> Image:
    """A grid along LPS about the tumour. Raises RangeError for a tumour beyond what one session ablates, or a grid too coarse or fine."""
    if not SPACING_mm <= spacing_mm <= COARSEST_mm:
        raise RangeError(f"a grid of {spacing_mm:g} mm", where="spacing_mm", remedy=f"choose {SPACING_mm:g} to {COARSEST_mm:g} mm")
    places = world_mm(grid, np.argwhere(tumour).astype(np.float64))
    low, high = places.min(axis=0) - AROUND_mm, places.max(axis=0) + AROUND_mm
    shape = np.ceil((high - low) / spacing_mm).astype(int) + 1
    if (high - low > MOST_mm).any():
        found = f"a tumour of {(high - low - 2 * AROUND_mm).max():.0f} mm"
        raise RangeError(found, where="tumour", remedy=f"the model is for tumours up to {MOST_mm - 2 * AROUND_mm:.0f} mm")
    affine_mm = np.diag([spacing_mm] * 3 + [1.0])
    affine_mm[:3, 3] = low
    return Image(np.zeros(tuple(shape), dtype=np.float32), affine_mm, grid.frame)


def onto(source: Image, values: Float[Array, "x y z"], grid: Image, outside: float = 0.0) -> Float[Array, "i j k"]:
    """Values on another grid, linear between voxels; `outside` where there are none."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float64)
    at = voxel_index(source, world_mm(grid, index)).T
    return ndimage.map_coordinates(values, at, order=1, mode="constant", cval=outside).reshape(grid.shape)


def fat_on(fat: Image, of: Image, grid: Image, organ: Array) -> Float[Array, "x y z"]:
    """The map on the working grid. Raises RangeError for what are no shares, GeometryError for another frame or no cover."""
    if fat.frame != of.frame and fat.frame and of.frame:
        raise GeometryError(f"a fat map of frame {fat.frame}", where=of.frame, remedy="register it to the planning images first")
    if not np.isfinite(fat.array).all() or float(fat.array.min()) < 0:
        raise RangeError("a fat map that is negative or not finite", where="fat", remedy="export the map again; set noise below zero to 0")
    if float(fat.array.max()) > 1:
        raise RangeError(f"a share of fat of {float(fat.array.max()):g}", where="fat", remedy='shares go from 0 to 1: state "Units": "%"')
    found = onto(fat, fat.array.astype(np.float32), grid, np.nan)
    if np.isnan(found[organ]).any():
        raise GeometryError("a fat map that does not cover the organ about the tumour", where="fat", remedy="use a map of the whole liver")
    return np.nan_to_num(found).astype(np.float32)


def _entries(texts: Sequence[str], grid: Image, tumour: Array) -> tuple[Needle, ...]:
    found = tuple(read_needle(text, "antenna") for text in texts)
    if len({one.name for one in found}) < len(found):
        raise InputError("two antennas of one name", where="antenna", remedy="give each its own letter")
    if found:
        return found
    middle = world_mm(grid, np.argwhere(tumour).astype(np.float64)).mean(axis=0)
    along = np.array([0.0, 0.0, 1.0])
    return tuple(Needle(name, middle + step * along, along) for name, step in (("A", 0.0), ("B", STEP_mm), ("C", -STEP_mm)))
