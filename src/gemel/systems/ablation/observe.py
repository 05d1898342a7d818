"""What images after an application show: how large the dead zone is and how long, with what an outline is worth."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gemel.core.errors import GeometryError, StructureError
from gemel.core.record import Observation
from gemel.core.structures import Structures
from gemel.core.system import Progress
from gemel.core.visit import Segmented
from gemel.systems.ablation.case import Case, onto
from gemel.systems.ablation.heat import ln_aspect, ln_mL
from gemel.systems.ablation.names import ABLATED

OUTLINE_mm, ASPECT_1, LEAST_1 = 0.8, 0.06, 0.05
"""How far an outline may lie in or out as a whole; error of ln aspect; least error of ln volume. Assumed."""
INSIDE = 0.9
"""Of the zone, which must lie in the part that is computed."""


@dataclass(frozen=True)
class Day:
    """Values and errors by kind (none before an application), and the outlines."""

    values: Mapping[str, float]
    sd: Mapping[str, float]
    structures: Structures
    quality: Mapping[str, float]
    notes: tuple[str, ...]


def observe(case: Case, scan: Segmented, progress: Progress) -> Day:
    """The zone `ablated`; images without it are those of planning. Raises StructureError for an empty zone or one that lies elsewhere."""
    held, grid = scan.structures.masks, scan.structures.grid
    if ABLATED not in held:
        return Day({}, {}, scan.structures, {}, ("no ablated zone outlined: nothing is learned from these images",))
    if grid.frame != case.body.grid.frame and grid.frame and case.body.grid.frame:
        raise GeometryError(f"a zone of frame {grid.frame}", where=scan.source[:64], remedy="register it to the planning images first")
    zone = np.asarray(held[ABLATED])
    if not zone.any():
        raise StructureError("an empty ablated zone", where=scan.source[:64], remedy="outline it, or leave the name out")
    on = onto(grid, zone.astype(np.float32), case.body.grid)
    volume_mL = float(zone.sum()) * grid.voxel_mL
    if float(on.sum()) * case.body.grid.voxel_mL < INSIDE * volume_mL:
        remedy = "check the frame of reference, and that it is the same tumour"
        raise StructureError("an ablated zone beyond the part of the organ that is computed", where=scan.source[:64], remedy=remedy)
    radius_mm = (volume_mL * 750.0 / np.pi) ** (1.0 / 3.0)
    values = {"ln_zone_1": ln_mL(volume_mL), "ln_aspect_1": ln_aspect(case.body, on)}
    sd = {"ln_zone_1": float(np.hypot(LEAST_1, 3.0 * OUTLINE_mm / radius_mm)), "ln_aspect_1": ASPECT_1}
    left_mL = float((case.body.target & (on < 0.5)).sum()) * case.body.grid.voxel_mL
    return Day(values, sd, scan.structures, {"zone_mL": volume_mL, "target_left_mL": left_mL}, ())


def observations(day: Day, t_s: float, source: str) -> tuple[Observation, ...]:
    """What the model is told."""
    return tuple(Observation(kind, t_s, np.array([value]), np.array([day.sd[kind]]), source) for kind, value in day.values.items())
