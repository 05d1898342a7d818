"""A patient that is made up: a phantom's tumour lives by the model with rates of its own, and is seen by an MRI with noise.

Rates differ from voxel to voxel by a field that is rougher than the twin's modes can follow, so that the twin is never quite right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.diffusion import DiffusionVisit
from gemel.core.image import Array, Image, with_array
from gemel.core.parameter import draw_free
from gemel.core.record import Action
from gemel.engines.inference.course import named
from gemel.engines.registration.compare import within
from gemel.systems.breast.body import Body
from gemel.systems.breast.case import body_of
from gemel.systems.breast.cellularity import REPEAT_1, VOXEL_1, adc_of
from gemel.systems.breast.drugs import Dose
from gemel.systems.breast.grid import MARGIN_mm, Working
from gemel.systems.breast.growth import states
from gemel.systems.breast.mechanics import coupled
from gemel.systems.breast.modes import modes
from gemel.systems.breast.phantom import Phantom
from gemel.systems.breast.population import parameters
from gemel.systems.breast.seen import outlined

LOWEST_mm2_s = 0.8e-3
AROUND_mm2_s = 1.8e-3
"""ADC of tissue without tumour: Partridge et al. 2010, J Magn Reson Imaging 31:339 (about 1.9e-3 for normal fibroglandular tissue)."""
TRUE_MODES = 12
SEEN = 0.5


@dataclass(frozen=True)
class VirtualPatient:
    """What nobody knows of a real one: the phantom, the body with true rates, and true parameters (one draw)."""

    phantom: Phantom
    body: Body
    params: Params


def virtual_patient(
    made: Phantom,
    rng: np.random.Generator,
    *,
    start_s: float = 0.0,
    given: Sequence[Dose] = (),
    mechanics: bool = True,
    known: Mapping[str, float] | None = None,
) -> VirtualPatient:
    """A patient of the prior, but for parameters that are `known`; with `mechanics` stress truly damps the motion of cells."""
    held = _working(made)
    plain = body_of(held, start_s, tuple(given))
    body = replace(plain, modes=modes(plain.mask, held.tumour, plain.spacing_mm, TRUE_MODES))
    body = coupled(body, held) if mechanics else body
    priors = tuple(p for p in parameters(len(body.modes), coupled=body.coupled) if p.name != "initial_ratio_1")
    params = named(priors, draw_free(priors, 1, rng))
    told = {name: np.array([value]) for name, value in (known or {}).items()}
    return VirtualPatient(made, body, {**params, **told, "initial_ratio_1": np.ones(1)})


def state_of(patient: VirtualPatient, actions: Sequence[Action], t_s: float) -> State:
    """The true state at a time, under what was given."""
    return states(patient.body, patient.params, actions, patient.body.start_s, (t_s,))[0]


def visit_of(patient: VirtualPatient, actions: Sequence[Action], t_s: float, rng: np.random.Generator) -> DiffusionVisit:
    """An MRI: all ADC off by REPEAT_1, each voxel by VOXEL_1; outlined where cells are dense enough; supply with a tenth of noise."""
    density = field_of(patient.body, state_of(patient, actions, t_s)["density"][0])
    tumour = outlined(density) >= SEEN
    tissue = patient.phantom.tissue
    true = np.where(tumour, adc_of(density, LOWEST_mm2_s), np.where(tissue > 0, AROUND_mm2_s, 0.0))
    factor = np.exp(REPEAT_1 * rng.standard_normal()) * np.maximum(1 + VOXEL_1 * rng.standard_normal(density.shape), 0.3)
    supply = patient.phantom.supply * np.maximum(1 + 0.1 * rng.standard_normal(density.shape), 0.1)
    grid = patient.phantom.grid
    return DiffusionVisit(
        adc_mm2_s=with_array(grid, (true * factor).astype(np.float32)),
        tumour=tumour,
        acquired_s=t_s,
        supply=with_array(grid, supply.astype(np.float32)),
        tissue=with_array(grid, tissue.astype(np.float32)),
        source=f"virtual {t_s:.0f}",
        nothing_left=not tumour.any(),
    )


def field_of(body: Body, values: Float[Array, "n"]) -> Float[Array, "x y z"]:
    """Values of the computed voxels on their grid."""
    found = np.zeros(body.mask.shape, dtype=np.float32)
    found[body.mask] = values
    return found


def _working(made: Phantom) -> Working:
    """The phantom's own grid, as a first visit would be put on it."""
    mask = within(made.tumour, made.grid, MARGIN_mm) & (made.tissue > 0)
    supply = made.supply / made.supply[made.tumour].mean()
    tissue = made.tissue.astype(np.float32)
    grid: Image = made.grid
    return Working(grid, mask, made.tumour, made.packing, supply.astype(np.float32), tissue)
