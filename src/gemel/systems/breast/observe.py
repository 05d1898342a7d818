"""What a later visit shows: cells, volume and where the cells lie, on the grid of the first."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gemel.core.diffusion import DiffusionVisit
from gemel.core.errors import InputError, StructureError
from gemel.core.image import Array, Image, with_array
from gemel.core.record import Observation
from gemel.core.system import Progress
from gemel.core.time import DAY_S, iso
from gemel.systems.breast.align import aligned
from gemel.systems.breast.case import Case
from gemel.systems.breast.cellularity import VOXEL_1, relative_error
from gemel.systems.breast.grid import density_on, onto
from gemel.systems.breast.seen import FLOOR, share_of_parts

OUTLINE_1 = 0.10
"""Of the volume: who outlines it, and how. Assumed, about what a Dice of 0.9 between two readers leaves."""
OUTLINED_1 = 0.05
"""Of the cells, for the same reason: what is disputed at the edge holds few."""
PATTERN_1 = 0.02
"""Of the share of cells in a part: registration and what the model's parts cannot follow. Assumed."""
LEAST_INSIDE = 0.8
"""Of the outlined cells that must lie on the grid of the first visit."""


@dataclass(frozen=True)
class Day:
    """What was seen with its sd, density on the working grid (share of capacity), and how the visit was placed there."""

    values: Mapping[str, Array]
    sd: Mapping[str, Array]
    density: Image
    quality: Mapping[str, float]
    notes: tuple[str, ...]


def observe(case: Case, visit: DiffusionVisit, progress: Progress) -> Day:
    """A visit on the first one's grid. Raises InputError for a visit on the day of the first or before it, StructureError for an outline
    of which a fifth or more lies beyond the grid that the model computes."""
    if visit.acquired_s < case.body.start_s + DAY_S / 2:
        found = f"a visit of {iso(visit.acquired_s)}, the first one being of {iso(case.body.start_s)}"
        raise InputError(found, where=visit.source, remedy="give visits in order, on days of their own; start a new twin at the earliest")
    progress("visit", 0, 2)
    place = aligned(visit, case.adc_mm2_s, _first(case))
    progress("visit", 1, 2)
    held = density_on(visit, case.grid, case.lowest_mm2_s, place.field)
    outlined = onto(visit.adc_mm2_s, visit.tumour, case.grid, place.field)[case.body.mask]
    inside = _inside(visit, case, outlined)
    values, sd = _seen(case, visit, held, outlined)
    progress("visit", 2, 2)
    quality = {
        "cells_ratio": float(np.exp(values["ln_cells_1"][0]) - FLOOR),
        "volume_mL": float(np.count_nonzero(visit.tumour)) * visit.adc_mm2_s.voxel_mL,
        "moved_mm": place.moved_mm,
        "deformed_mm": place.deformed_mm,
        "similarity": place.similarity,
        "inside_1": inside,
    }
    shown = with_array(case.grid, (held * case.body.mask).astype(np.float32))
    return Day(values, sd, shown, quality, ())


def _first(case: Case) -> Image:
    """The first visit's outline on the working grid."""
    found = np.zeros(case.grid.shape, dtype=np.float32)
    found[case.body.mask] = case.body.density > 0
    return with_array(case.grid, found)


def observations(day: Day, t_s: float, source: str) -> tuple[Observation, ...]:
    """What the model is told."""
    return tuple(Observation(kind, t_s, value, day.sd[kind], source) for kind, value in day.values.items())


def _inside(visit: DiffusionVisit, case: Case, outlined: Array) -> float:
    """Share of the visit's outlined volume that the model computes."""
    total_mm3 = float(np.count_nonzero(visit.tumour)) * visit.adc_mm2_s.voxel_mL * 1000.0
    within_mm3 = float(outlined.sum(dtype=np.float64)) * case.body.voxel_mm3
    share = min(within_mm3 / total_mm3, 1.0) if total_mm3 else 1.0
    if share < LEAST_INSIDE:
        found = f"an outline of which {1 - share:.0%} lies beyond the first one and its margin"
        raise StructureError(found, where=visit.source, remedy="check the frame of reference, and that it is the same tumour")
    return share


def _seen(case: Case, visit: DiffusionVisit, held: Array, outlined: Array) -> tuple[dict[str, Array], dict[str, Array]]:
    """What the model's observation functions stand for, from the outline itself, to the first visit's; and their errors.

    `held`: cells on the working grid; `outlined`: how far each computed voxel lies in the outline.
    """
    body = case.body
    ratio = float(held[body.mask].sum(dtype=np.float64) / body.density.sum(dtype=np.float64))
    volume = float(outlined.sum(dtype=np.float64) / np.count_nonzero(body.density > 0))
    adc = visit.adc_mm2_s.array[visit.tumour]
    relative = float(np.hypot(relative_error(adc, case.lowest_mm2_s), OUTLINED_1)) if adc.size else 0.0
    values = {"ln_cells_1": np.log([ratio + FLOOR]), "ln_volume_1": np.log([volume + FLOOR])}
    sd = {
        "ln_cells_1": np.array([np.hypot(relative * ratio, FLOOR) / (ratio + FLOOR)]),
        "ln_volume_1": np.array([np.hypot(OUTLINE_1 * volume, FLOOR) / (volume + FLOOR)]),
    }
    if adc.size:
        values["shares_1"] = share_of_parts(body, held[body.mask][None])[0]
        sd["shares_1"] = _share_sd(values["shares_1"], float(outlined.sum()))
    return values, sd


def _share_sd(share: Array, voxels: float) -> Array:
    """Noise of the voxels of a part, PATTERN_1, and what is outlined or not at its edge (half a voxel in √n)."""
    counted = np.maximum(share * voxels, 1.0)
    return np.sqrt(PATTERN_1**2 + np.square(2.0 * VOXEL_1 * share / np.sqrt(counted)) + 0.25 / max(voxels, 1.0))
