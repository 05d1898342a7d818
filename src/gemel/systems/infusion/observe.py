"""What a contrast image after an infusion shows: how much was reached and how far along each axis, with what an outline is worth."""

import numpy as np

from gemel.core.system import Progress
from gemel.core.visit import Measured, Segmented
from gemel.engines.inference.slow_model import ln_mL
from gemel.engines.registration.surroundings import seen_onto
from gemel.systems.infusion.case import Case
from gemel.systems.infusion.delivery import ln_extents
from gemel.systems.infusion.names import INFUSED

OUTLINE_mm, LEAST_1 = 0.5, 0.04
"""How far an outline of contrast may lie in or out as a whole; least error of a logarithm. Assumed."""


def observe(case: Case, scan: Segmented, progress: Progress) -> Measured:
    """The region `infused`; images without it are those of planning. Raises StructureError for an empty one or one that lies elsewhere."""
    if INFUSED not in scan.structures.masks:
        return Measured({}, {}, scan.structures, {}, ("no infused region outlined: nothing is learned from these images",))
    on, volume_mL = seen_onto(scan.structures, INFUSED, case.body.grid, source=scan.source, within=case.body.brain)
    relative = OUTLINE_mm / (volume_mL * 750.0 / np.pi) ** (1.0 / 3.0)
    values = {"ln_infused_1": np.array([ln_mL(volume_mL)]), "ln_extents_1": ln_extents(case.body, on)}
    sd = {"ln_infused_1": np.array([np.hypot(LEAST_1, 3 * relative)]), "ln_extents_1": np.full(3, np.hypot(LEAST_1, relative))}
    cover = float((case.body.target & (on >= 0.5)).sum()) / float(case.body.target.sum())
    return Measured(values, sd, scan.structures, {"infused_mL": volume_mL, "target_reached_1": cover}, ())
