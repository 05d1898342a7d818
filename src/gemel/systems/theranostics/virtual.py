"""A patient that is made up: a phantom whose organs follow the model, scanned by a camera with blur and noise, with blood values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gemel.core.activity import ActivityImage
from gemel.core.belief import Params, State
from gemel.core.errors import InputError
from gemel.core.image import Image
from gemel.core.record import Action
from gemel.core.structures import Structures
from gemel.devices.nuclear.calibration import Calibration
from gemel.devices.nuclear.noise import Camera, acquire
from gemel.devices.nuclear.phantom import Ellipsoid, Phantom, painted, phantom
from gemel.systems.theranostics.agent import gives
from gemel.systems.theranostics.case import DENSITY_g_mL, body_for, decay_half_life_s
from gemel.systems.theranostics.course import Body, states
from gemel.systems.theranostics.model import model_of
from gemel.systems.theranostics.names import organ_of
from gemel.systems.theranostics.network import ORGANS
from gemel.systems.theranostics.observe import COUNT_REL, MODEL_REL
from gemel.systems.theranostics.observe_pet import typical

LESIONS = (
    Ellipsoid("tumour_1", (60.0, 35.0, -110.0), 40.0),
    Ellipsoid("tumour_2", (-20.0, 85.0, 140.0), 25.0, (1.0, 0.8, 1.6)),
)
BASELINE: Mapping[str, float] = {"platelets": 220.0, "psa": 40.0}
"""Before therapy: 1e9/L and ng/mL; made up."""
CAMERA = Camera(fwhm_mm=8.0, filter_fwhm_mm=0.0, calibration=Calibration(5.67, 0.28, "Lu-177"), variance_gain=2.0)
"""Calibration of a SPECT/CT for Lu-177: Marin et al. 2018, EJNMMI Res 8:103. Resolution as after reconstruction with it modelled."""
SCAN_s = 1200.0
COUCH_mm = 3.0
PET_s = 3600.0
LIVER_1, REST_1 = 0.1, 0.6
"""Of the injected activity an hour later, in the liver and in all that is not kidney, gland or tumour; made up."""


@dataclass(frozen=True)
class VirtualPatient:
    """What nobody knows of a real one: a phantom with lesions, the body the model is made of, and true parameters (one draw)."""

    phantom: Phantom
    body: Body
    params: Params
    nuclide: str

    @property
    def structures(self) -> Structures:
        """The contours that the model knows: kidneys, liver, salivary glands, tumours."""
        masks = {name: mask for name, mask in self.phantom.structures.masks.items() if organ_of(name) in ORGANS}
        return Structures(self.phantom.structures.grid, masks)


def virtual_patient(
    rng: np.random.Generator, *, given: tuple[float, float], made: Phantom | None = None, nuclide: str = "Lu-177"
) -> VirtualPatient:
    """A patient of the prior in the body of a phantom (the male with two lesions, voxels of 6 mm), `given` (t_s, MBq) first."""
    held = made or phantom("male", spacing_mm=6.0, lesions=LESIONS)
    parts = {organ: [held.mass_g(name) for name in held.structures.masks if organ_of(name) == organ] for organ in ORGANS}
    body, _ = body_for(nuclide, parts, (given,))
    _, params = model_of(body).prior.draw(1, rng)
    return VirtualPatient(held, body, params, nuclide)


def spect_of(
    patient: VirtualPatient, actions: Sequence[Action], t_s: float, rng: np.random.Generator, *, camera: Camera = CAMERA
) -> ActivityImage:
    """Counts of a scan at t_s, after `actions` were given: on a couch that is off by some millimetres, so in a frame of its own.

    The camera's factor is the patient's calibration_ratio_1 times what it is thought to be; organs differ from the model by MODEL_REL.
    Raises InputError for a time before the first injection.
    """
    given = [(at_s, MBq) for at_s, MBq in (*patient.body.given, *((a.t_s, a.amount) for a in actions if gives(a))) if at_s <= t_s]
    if not given:
        raise InputError("a scan before anything was given", where="spect_of", remedy="scan after the injection")
    state = _at(patient, actions, t_s)
    field = painted(patient.phantom, _regions_MBq(patient, state, rng), rest_MBq=float((state["rest"] + state["blood"])[0]))
    moved = field.affine_mm.copy()
    moved[:3, 3] += COUCH_mm * rng.standard_normal(3)
    (injected_s, injected_MBq), factor = max(given), float(patient.params["calibration_ratio_1"][0])
    truth = ActivityImage(
        image=Image(field.array, moved),
        unit="Bq/mL",
        nuclide=patient.nuclide,
        acquired_s=t_s,
        duration_s=SCAN_s,
        injected_s=injected_s,
        injected_MBq=injected_MBq,
        decay_corrected_to="none",
    )
    true = replace(camera, calibration=replace(camera.calibration, Q_1_MBq_s=camera.calibration.Q_1_MBq_s * factor))
    return acquire(truth, true, rng)


def pet_of(patient: VirtualPatient, injected_s: float, rng: np.random.Generator, *, injected_MBq: float = 150.0) -> ActivityImage:
    """A PET of the ligand with Ga-68 an hour after injection: uptake goes with that of therapy as `observe_pet` says, liver with none."""
    left_MBq = injected_MBq * 2 ** (-PET_s / decay_half_life_s("Ga-68"))
    amounts = {"liver": LIVER_1}
    for organ, of in typical().items():
        ratio = float(patient.params[of.parameter.name][0]) / of.parameter.centre * math.exp(of.sd_1 * rng.standard_normal())
        amounts[organ] = ratio * of.fraction_1 * (patient.body.tumour_g / DENSITY_g_mL[organ] if organ == "tumour" else 1.0)
    shared = _by_mass(patient, {organ: fraction * left_MBq for organ, fraction in amounts.items()})
    field = painted(patient.phantom, shared, rest_MBq=(REST_1 - LIVER_1) * left_MBq)
    moved = field.affine_mm.copy()
    moved[:3, 3] += COUCH_mm * rng.standard_normal(3)
    return ActivityImage(
        image=Image(field.array, moved),
        unit="Bq/mL",
        nuclide="Ga-68",
        acquired_s=injected_s + PET_s,
        duration_s=SCAN_s,
        injected_s=injected_s,
        injected_MBq=injected_MBq,
        decay_corrected_to="start",
    )


def labs_of(patient: VirtualPatient, actions: Sequence[Action], t_s: float, rng: np.random.Generator) -> dict[str, float]:
    """Platelets (1e9/L) and PSA (ng/mL) at t_s with COUNT_REL of error; before the first injection those of BASELINE, exactly."""
    if t_s <= patient.body.given[0][0]:
        return dict(BASELINE)
    state = _at(patient, actions, t_s)
    return {name: value * float(state[name][0]) * math.exp(COUNT_REL * rng.standard_normal()) for name, value in BASELINE.items()}


def _at(patient: VirtualPatient, actions: Sequence[Action], t_s: float) -> State:
    return states(patient.body, patient.params, actions, patient.body.given[0][0], (t_s,))[0]


def _regions_MBq(patient: VirtualPatient, state: State, rng: np.random.Generator) -> dict[str, float]:
    """Activity of each contour: the organ's, shared by mass."""
    amounts = {organ: float(state[organ][0]) * math.exp(MODEL_REL * rng.standard_normal()) for organ in ORGANS}
    amounts["tumour"] *= float(state["burden"][0])
    return _by_mass(patient, amounts)


def _by_mass(patient: VirtualPatient, amounts: Mapping[str, float]) -> dict[str, float]:
    """Amounts of organs shared among their contours."""
    masses = {name: patient.phantom.mass_g(name) for name in patient.structures.masks}
    whole = {organ: sum(g for name, g in masses.items() if organ_of(name) == organ) for organ in ORGANS}
    return {name: amounts[organ_of(name)] * g / whole[organ_of(name)] for name, g in masses.items()}
