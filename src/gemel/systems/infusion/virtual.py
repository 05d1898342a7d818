"""A made-up patient with a target in the brain: true parameters, and what would be outlined after what was infused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from gemel.core.image import Array, Image
from gemel.core.record import Action
from gemel.core.structures import Structures
from gemel.systems.infusion.body import PARTS, Body
from gemel.systems.infusion.catheter import read_kind
from gemel.systems.infusion.delivery import delivered, seen_1
from gemel.systems.infusion.names import BRAIN, FLUID, INFUSED, TARGET

DIFFUSIVITY_mm2_s = 0.8e-3
"""Mean of water in the made-up tensor."""


@dataclass(frozen=True)
class VirtualPatient:
    """A body and the parameters that are true of it."""

    body: Body
    params: Mapping[str, float]


def infused(patient: VirtualPatient, given: Sequence[Action]) -> Bool[Array, "x y z"]:
    """Where contrast is seen."""
    done = tuple(read_kind(action.kind, action.amount) for action in given if action.amount > 0)
    return np.asarray((seen_1(delivered(patient.body, dict(patient.params), done)) >= 0.5) & patient.body.tissue)


def outlined(patient: VirtualPatient, given: Sequence[Action]) -> Structures:
    """Regions of images after what was infused; before anything, those of planning. Each voxel belongs to the last that holds it."""
    body = patient.body
    region = {INFUSED: infused(patient, given)} if any(action.amount > 0 for action in given) else {TARGET: body.target}
    return Structures(body.grid, {BRAIN: body.brain, FLUID: body.fluid, **region})


def tensor(patient: VirtualPatient) -> dict[str, Image]:
    """What MRI would give of it: the diagonal, or all six parts."""
    grid, ease = patient.body.grid, patient.body.ease_1
    names = PARTS if len(ease) == len(PARTS) else ("xx", "yy", "zz")
    return {name: Image((DIFFUSIVITY_mm2_s * part).astype(np.float32), grid.affine_mm, grid.frame) for name, part in zip(names, ease)}
