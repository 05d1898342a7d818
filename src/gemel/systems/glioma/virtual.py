"""A made-up patient with a high-grade glioma: true parameters, and what a reader would outline at any time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params
from gemel.core.image import Array, Image
from gemel.core.record import Action
from gemel.core.structures import Structures
from gemel.systems.glioma.course import states, visible_mL
from gemel.systems.glioma.events import Setting
from gemel.systems.glioma.observe import OUTLINE_mm

GRID, SPACING_mm = (96, 96, 72), 2.0
CENTRE_mm = (12.0, -8.0, 6.0)
NECROTIC, MOST_mL = 0.25, 250.0


@dataclass(frozen=True)
class VirtualPatient:
    """Parameters (one draw) at `start_s`, and the weeks that come with a drug."""

    params: Params
    start_s: float
    setting: Setting


def volumes_mL(patient: VirtualPatient, given: Sequence[Action], t_s: float) -> Mapping[str, float]:
    """True volumes at a time, as they are seen."""
    state = states(patient.setting, patient.params, given, patient.start_s, (t_s,))[0]
    enhancing = float(visible_mL(state)[0])
    return {"enhancing": enhancing, "flair": enhancing * float(patient.params["flair_ratio_1"][0])}


def outlined(patient: VirtualPatient, given: Sequence[Action], t_s: float, rng: np.random.Generator) -> Structures:
    """Regions of one visit as a reader draws them: ellipsoids of those volumes, each with its own error of the outline."""
    axes = [(np.arange(n) - (n - 1) / 2) * SPACING_mm for n in GRID]
    affine_mm = np.diag([SPACING_mm] * 3 + [1.0])
    affine_mm[:3, 3] = [axis[0] for axis in axes]
    radius_mm = _radius_mm(axes)
    true = volumes_mL(patient, given, t_s)
    drawn = {name: _radius_of(min(mL, MOST_mL)) + OUTLINE_mm[name] * rng.standard_normal() for name, mL in true.items()}
    enhancing = radius_mm <= max(drawn["enhancing"], SPACING_mm)
    core = radius_mm <= NECROTIC ** (1 / 3) * drawn["enhancing"]
    flair = (radius_mm <= drawn["flair"]) | enhancing
    masks = {"necrosis": core, "enhancing": enhancing & ~core, "oedema": flair & ~enhancing}
    grid = Image(np.zeros(GRID, dtype=np.uint8), affine_mm)
    return Structures(grid, {name: mask for name, mask in masks.items() if mask.any()})


def _radius_mm(axes: Sequence[Array]) -> Float[Array, "x y z"]:
    """Radius of the ball of equal volume on whose ellipsoid a voxel lies; axes of 1.15, 1 and 1/1.15."""
    squared = [np.square((axis - centre) / stretch) for axis, centre, stretch in zip(axes, CENTRE_mm, (1.15, 1.0, 1 / 1.15))]
    return np.sqrt(squared[0][:, None, None] + squared[1][None, :, None] + squared[2][None, None, :])


def _radius_of(volume_mL: float) -> float:
    return float((volume_mL * 750.0 / np.pi) ** (1.0 / 3.0))


def labels_of(structures: Structures) -> tuple[Float[Array, "x y z"], dict[str, str]]:
    """The regions as one label map, and the names of its labels."""
    names = dict(enumerate(structures.masks, start=1))
    labels = np.zeros(structures.grid.shape, dtype=np.float32)
    for number, name in names.items():
        labels[structures[name]] = number
    return labels, {str(number): name for number, name in names.items()}
