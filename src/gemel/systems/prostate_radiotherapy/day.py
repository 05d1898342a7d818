"""A treatment day that is made up: state to anatomy to couch shift to CBCT."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array, Image
from gemel.core.structures import Structures, centroid_mm
from gemel.core.time import DAY_S
from gemel.devices.cbct import ConeBeam, Machine, acquire, reconstruct, simulate
from gemel.systems.prostate_radiotherapy.anatomy import anatomy_of, with_setup
from gemel.systems.prostate_radiotherapy.model import coordinates, model
from gemel.systems.prostate_radiotherapy.modes import REACH, Modes, bone_mask, motion_modes
from gemel.systems.prostate_radiotherapy.phantom import digital_pelvis
from gemel.systems.prostate_radiotherapy.state import DayState, from_vector


def simulate_day(
    ct: Image, modes: Modes, state: DayState, *, setup_mm: Float[Array, "3"], scanner: ConeBeam | Machine, rng: np.random.Generator
) -> Image:
    """CBCT, in the room frame, of the day's anatomy on a couch that is off by setup_mm; the isocentre is the planned CTV's centroid.

    A ConeBeam degrades the anatomy (0.1 s); a Machine takes its projections and reconstructs them, HU uncorrected (about 4 s).
    """
    day, _ = anatomy_of(ct, modes.planning, modes, state)
    isocentre_mm = centroid_mm(modes.planning, "CTV")
    if isinstance(scanner, ConeBeam):
        return simulate(with_setup(day, setup_mm), isocentre_mm, rng, scanner=scanner)
    there_mm = day.affine_mm.copy()
    there_mm[:3, 3] += setup_mm
    return reconstruct(acquire(replace(day, affine_mm=there_mm), isocentre_mm, rng, machine=scanner), day)


@dataclass(frozen=True)
class VirtualPatient:
    """A digital pelvis with a life: its planning CT and contours, how it can move, and for each day its state and couch error (LPS mm)."""

    ct: Image
    structures: Structures
    modes: Modes
    states: tuple[DayState, ...]
    setups_mm: Float[Array, "days 3"]


def virtual_patient(days: int, rng: np.random.Generator) -> VirtualPatient:
    """A patient drawn from the population: anatomy by `digital_pelvis`, motion over daily fractions by the published prior."""
    ct, structures = digital_pelvis(rng)
    motion = model(np.zeros((1, 6)))
    state, params = motion.prior.draw(1, rng)
    states, setups = [], []
    for day in range(days):
        state = motion.dynamics(state, params, (), day * DAY_S, (day + 1) * DAY_S, rng)
        states.append(from_vector(np.clip(coordinates(motion.observe, state, params)[0], *REACH.T)))
        setups.append(motion.observe["setup_mm"](state, params)[0])
    return VirtualPatient(ct, structures, motion_modes(structures, bone_mask(ct, structures)), tuple(states), np.array(setups))


def cbct_of(patient: VirtualPatient, day: int, rng: np.random.Generator) -> Image:
    """The CBCT of one of the patient's days, counted from 0."""
    setup_mm = patient.setups_mm[day]
    return simulate_day(patient.ct, patient.modes, patient.states[day], setup_mm=setup_mm, scanner=ConeBeam(), rng=rng)
