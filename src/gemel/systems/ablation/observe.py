"""What images after an application show: how large the dead zone is and how long, with what an outline is worth."""

import numpy as np

from gemel.core.system import Progress
from gemel.core.visit import Measured, Segmented
from gemel.engines.inference.slow_model import ln_mL
from gemel.engines.registration.surroundings import seen_onto
from gemel.systems.ablation.case import Case
from gemel.systems.ablation.heat import ln_aspect
from gemel.systems.ablation.names import ABLATED

OUTLINE_mm, ASPECT_1, LEAST_1 = 0.8, 0.06, 0.05
"""How far an outline may lie in or out as a whole; error of ln aspect; least error of ln volume. Assumed."""


def observe(case: Case, scan: Segmented, progress: Progress) -> Measured:
    """The zone `ablated`; images without it are those of planning. Raises StructureError for an empty zone or one that lies elsewhere."""
    if ABLATED not in scan.structures.masks:
        return Measured({}, {}, scan.structures, {}, ("no ablated zone outlined: nothing is learned from these images",))
    on, volume_mL = seen_onto(scan.structures, ABLATED, case.body.grid, source=scan.source)
    radius_mm = (volume_mL * 750.0 / np.pi) ** (1.0 / 3.0)
    values = {"ln_zone_1": np.array([ln_mL(volume_mL)]), "ln_aspect_1": np.array([ln_aspect(case.body, on)])}
    sd = {"ln_zone_1": np.array([np.hypot(LEAST_1, 3.0 * OUTLINE_mm / radius_mm)]), "ln_aspect_1": np.array([ASPECT_1])}
    left_mL = float((case.body.target & (on < 0.5)).sum()) * case.body.grid.voxel_mL
    return Measured(values, sd, scan.structures, {"zone_mL": volume_mL, "target_left_mL": left_mL}, ())
