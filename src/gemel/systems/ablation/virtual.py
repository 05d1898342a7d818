"""A made-up patient with a tumour in a liver: true parameters, and what would be outlined after what was applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from gemel.core.image import Array, Image
from gemel.core.record import Action
from gemel.core.structures import Structures
from gemel.systems.ablation.applicator import read_kind
from gemel.systems.ablation.body import Body
from gemel.systems.ablation.heat import dead_1, field
from gemel.systems.ablation.names import ABLATED, CRITICAL, ORGAN, TUMOUR


@dataclass(frozen=True)
class VirtualPatient:
    """A body and the parameters that are true of it."""

    body: Body
    params: Mapping[str, float]


def ablated(patient: VirtualPatient, given: Sequence[Action]) -> Bool[Array, "x y z"]:
    """Where all is dead."""
    done = tuple(read_kind(action.kind, action.amount) for action in given if action.amount > 0)
    return np.asarray((dead_1(field(patient.body, dict(patient.params), done)) >= 0.5) & patient.body.organ)


def outlined(patient: VirtualPatient, given: Sequence[Action]) -> Structures:
    """Regions of images after what was given; before anything, those of planning."""
    body = patient.body
    zone = {ABLATED: ablated(patient, given)} if any(action.amount > 0 for action in given) else {}
    masks = {TUMOUR: body.tumour, CRITICAL: body.critical} | zone
    shown = {name: mask for name, mask in masks.items() if mask.any()}
    return Structures(body.grid, {ORGAN: body.organ, **shown})


def fat_image(patient: VirtualPatient) -> Image:
    """The map that MRI would give of it."""
    return Image(patient.body.fat_1.astype(np.float32), patient.body.grid.affine_mm, patient.body.grid.frame)
