"""The model without a patient: a small tumour of gemel's own making, four A/C three weeks apart already planned."""

from functools import cache

import numpy as np

from gemel.core.model import Model
from gemel.core.time import DAY_S
from gemel.systems.breast.body import Body
from gemel.systems.breast.drugs import Dose
from gemel.systems.breast.growth_model import model_of
from gemel.systems.breast.modes import modes
from gemel.systems.breast.phantom import phantom
from gemel.systems.breast.regions import regions

SHAPE, VOXEL_mm, RADIUS_mm = (9, 9, 7), 4.0, 11.0
MODES, PARTS = 2, 3
SEED = 6
PLANNED_d = (1.0, 22.0)


def model() -> Model:
    """The core model on the template's body, uncoupled: 4 mm voxels, so that a forecast takes a second."""
    return model_of(body())


@cache
def body() -> Body:
    """The template's body; its clock begins at 0."""
    made = phantom(np.random.default_rng(SEED), shape=SHAPE, spacing_mm=VOXEL_mm, radius_mm=RADIUS_mm)
    mask, spacing_mm = made.tissue > 0, np.full(3, VOXEL_mm)
    return Body(
        mask=mask,
        spacing_mm=spacing_mm,
        density=made.packing[mask].astype(np.float32),
        supply=(made.supply / made.supply[made.tumour].mean())[mask].astype(np.float32),
        modes=modes(mask, made.tumour, spacing_mm, MODES),
        part=regions(mask, made.tumour, spacing_mm, PARTS),
        parts=PARTS,
        stress_basis=np.zeros((0, int(mask.sum())), np.float32),
        stress_kPa=np.zeros((0, 6, int(mask.sum())), np.float32),
        start_s=0.0,
        given=tuple(Dose("AC", day * DAY_S, 1.0) for day in PLANNED_d),
    )
