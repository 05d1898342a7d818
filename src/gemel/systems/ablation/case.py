"""A patient before ablation: outlines of the planning images and the share of fat, on a grid about the tumour; where antennas may stand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array, Image
from gemel.core.number import number
from gemel.core.structures import Structures
from gemel.core.time import DAY_S
from gemel.core.visit import Segmented
from gemel.devices.needle import in_a_row, placed
from gemel.engines.registration.surroundings import Reach, map_onto, outlined, share_onto, surroundings
from gemel.systems.ablation.body import Body
from gemel.systems.ablation.names import CRITICAL, MICROWAVE, ORGAN, RADIOFREQUENCY, TUMOUR
from gemel.systems.ablation.tissue import LEAN

REACH = Reach(2.0, 4.0, 32.0, 128.0)
"""Of the grid that is computed, about the tumour."""
STEP_mm, ALONG = 5.0, np.array([0.0, 0.0, 1.0])
USUAL_FAT_1, TIPS_mm = 0.05, (5.0, 50.0)
ENERGIES = {MICROWAVE: (MICROWAVE,), RADIOFREQUENCY: (RADIOFREQUENCY,), "both": (MICROWAVE, RADIOFREQUENCY)}


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
    MHz: int = 2450,
    energy: str = MICROWAVE,
    tip_mm: float = 30.0,
    spacing_mm: float = REACH.finest_mm,
) -> Case:
    """A case from outlines (organ, tumour, and `critical` where there is one) and a map of the share of fat.

    `antenna`: places, as `A:12,-30,40/0,0,1`; by default along z through the tumour's middle (A) and 5 mm to either end (B, C).
    `energy`: microwave (of `MHz`), radiofrequency (electrodes bare over `tip_mm`) or both. Raises
    StructureError for outlines that are empty, cut off or outside the organ, RangeError for shares that are none, GeometryError for
    another frame, a map that does not cover the tumour, an antenna outside the organ.
    """
    masks, images = outlines(mri), mri.structures.grid
    body_of = powered(MHz, energy, tip_mm)
    grid = surroundings(images, masks[TUMOUR], number(spacing_mm, "spacing_mm"), REACH, called=TUMOUR)
    on = {name: share_onto(images, mask, grid) >= 0.5 for name, mask in masks.items()}
    shares = np.full(grid.shape, USUAL_FAT_1, np.float32) if fat is None else fat_on(fat, grid, on[ORGAN])
    usual = in_a_row(grid, on[TUMOUR], STEP_mm * ALONG, ALONG)
    entries = placed(antenna, "antenna", usual, inside=(grid, on[ORGAN], "the organ"))
    nothing = np.zeros(grid.shape, dtype=bool)
    body = body_of(grid, on[ORGAN], on[TUMOUR], on.get(CRITICAL, nothing), shares, entries)
    said = f"share of fat {100 * float(shares[on[ORGAN]].mean()):.1f} %{' assumed: no map' if fat is None else ' (mean of the map)'}"
    rest = () if CRITICAL in on else ("nothing was outlined that must stay cool",)
    return Case(body, mri.structures, mri.acquired_s - DAY_S, (said, *rest))


def powered(MHz: int, energy: str, tip_mm: float) -> Callable[..., Body]:
    """A body with these means of heating it. Raises RangeError or InputError for what there is none of."""
    if number(MHz, "MHz") not in LEAN.sigma_S_m:
        raise RangeError(f"a frequency of {MHz} MHz", where="MHz", remedy=f"choose from {', '.join(map(str, LEAN.sigma_S_m))}")
    if energy not in ENERGIES:
        raise InputError(f"an energy {energy!r}", where="energy", remedy=f"choose from {', '.join(ENERGIES)}")
    if not TIPS_mm[0] <= number(tip_mm, "tip_mm") <= TIPS_mm[1]:
        raise RangeError(f"a bare tip of {tip_mm:g} mm", where="tip_mm", remedy=f"give {TIPS_mm[0]:g} to {TIPS_mm[1]:g} mm")
    return partial(Body, MHz=int(MHz), energies=ENERGIES[energy], tip_mm=float(tip_mm))


def outlines(visit: Segmented) -> dict[str, Array]:
    """Organ, tumour and what else was outlined. Raises StructureError unless the tumour lies whole in the images."""
    held = outlined(visit, (ORGAN, TUMOUR))
    return held | {ORGAN: held[ORGAN] | held[TUMOUR] | held.get(CRITICAL, held[TUMOUR])}  # heat goes through all of them


def fat_on(fat: Image, grid: Image, organ: Array) -> Float[Array, "x y z"]:
    """The map on the working grid. Raises RangeError for what are no shares, GeometryError for another frame or no cover."""
    found = map_onto(fat, grid, organ, called="fat map")
    if float(fat.array.max()) > 1:
        raise RangeError(f"a share of fat of {float(fat.array.max()):g}", where="fat", remedy='shares go from 0 to 1: state "Units": "%"')
    return found.astype(np.float32)
