"""What a contrast image after an infusion shows: how much was reached and how far along each axis, with what an outline is worth."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError, StructureError
from gemel.core.image import Array
from gemel.core.record import Observation
from gemel.core.structures import Structures
from gemel.core.system import Progress
from gemel.core.visit import Segmented
from gemel.systems.infusion.case import Case, onto
from gemel.systems.infusion.delivery import ln_extents, ln_mL
from gemel.systems.infusion.names import INFUSED

OUTLINE_mm, LEAST_1 = 0.5, 0.04
"""How far an outline of contrast may lie in or out as a whole; least error of a logarithm. Assumed."""
INSIDE = 0.9


@dataclass(frozen=True)
class Day:
    """Values and errors by kind (none before an infusion), and the outlines."""

    values: Mapping[str, Float[Array, "m"]]
    sd: Mapping[str, Float[Array, "m"]]
    structures: Structures
    quality: Mapping[str, float]
    notes: tuple[str, ...]


def observe(case: Case, scan: Segmented, progress: Progress) -> Day:
    """The region `infused`; images without it are those of planning. Raises StructureError for an empty one or one that lies elsewhere."""
    held, grid = scan.structures.masks, scan.structures.grid
    if INFUSED not in held:
        return Day({}, {}, scan.structures, {}, ("no infused region outlined: nothing is learned from these images",))
    if grid.frame != case.body.grid.frame and grid.frame and case.body.grid.frame:
        raise GeometryError(f"a region of frame {grid.frame}", where=scan.source[:64], remedy="register it to the planning images first")
    region = np.asarray(held[INFUSED])
    if not region.any():
        raise StructureError("an empty infused region", where=scan.source[:64], remedy="outline it, or leave the name out")
    on = onto(grid, region.astype(np.float32), case.body.grid) * case.body.brain
    volume_mL = float(region.sum()) * grid.voxel_mL
    if float(on.sum()) * case.body.grid.voxel_mL < INSIDE * volume_mL:
        remedy = "check the frame of reference; the model reaches 18 mm beyond the target"
        raise StructureError("an infused region beyond the part of the brain that is computed", where=scan.source[:64], remedy=remedy)
    radius_mm = (volume_mL * 750.0 / np.pi) ** (1.0 / 3.0)
    relative = OUTLINE_mm / radius_mm
    values = {"ln_infused_1": np.array([ln_mL(volume_mL)]), "ln_extents_1": ln_extents(case.body, on)}
    sd = {"ln_infused_1": np.array([np.hypot(LEAST_1, 3 * relative)]), "ln_extents_1": np.full(3, np.hypot(LEAST_1, relative))}
    cover = float((case.body.target & (on >= 0.5)).sum()) / float(case.body.target.sum())
    return Day(values, sd, scan.structures, {"infused_mL": volume_mL, "target_reached_1": cover}, ())


def observations(day: Day, t_s: float, source: str) -> tuple[Observation, ...]:
    """What the model is told."""
    return tuple(Observation(kind, t_s, value, day.sd[kind], source) for kind, value in day.values.items())
