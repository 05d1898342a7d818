"""What one CBCT shows: the couch error from the bones, the anatomy of the day from the soft tissue, and how well each is known."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError
from gemel.core.image import Array, Image
from gemel.core.record import Observation
from gemel.core.structures import Structures, volume_mL
from gemel.core.system import Progress, common_draws
from gemel.engines.registration import DisplacementField, Modes, Quality, Registration, mean_motion, register
from gemel.engines.registration.draws import doubts_mm
from gemel.systems.prostate_radiotherapy.anatomy import warped
from gemel.systems.prostate_radiotherapy.case import Case
from gemel.systems.prostate_radiotherapy.modes import bone_mask
from gemel.systems.prostate_radiotherapy.state import DayState, measure, to_vector

MODE_SD = np.array([0.5, 0.3, 1.5, 4.0, 4.0, 5.0])
"""Width of the registration's prior on the six motion coordinates; wider than the population, so that the image decides."""
FLOOR = {"setup_mm": 0.4, "ln_bladder_ratio": 0.04, "ln_rectum_ratio": 0.10, "prostate_mm": 0.3, "rotation_deg": 2.0}
"""Standard deviation that a registration of a CBCT does not fall below; from simulated days whose truth is known, docs/evidence.md."""
POOR = 0.6
DOUBTS = 6
"""Draws of the registration's own posterior that are kept: a second of processor time each."""
FOLDED = 0.001
"""Share of the field's nodes that may fold: beyond, tissue would be in two places, and no dose can be carried."""
INEXACT_mm = 2.0
"""Error of the field's inverse above which a carried dose is doubtful: two thirds of a voxel, the distance of the gamma criterion."""


@dataclass(frozen=True)
class Day:
    """One scan: couch error, the day's anatomy and its standard deviations (COORDINATES), CT and structures of the day, bones aligned.

    `doubts_mm`: draws of what the registration leaves open, on the grid of `field` (engines.registration.draws).
    `quality`: see engines.registration.quality, and volumes in mL; `notes`: what a reader must know.
    """

    setup_mm: Float[Array, "3"]
    setup_sd_mm: Float[Array, "3"]
    state: DayState
    state_sd: Float[Array, "6"]
    ct: Image
    structures: Structures
    field: DisplacementField
    doubts_mm: Float[Array, "k x y z 3"]
    quality: Mapping[str, float]
    notes: tuple[str, ...]


def observe(case: Case, cbct: Image, progress: Progress) -> Day:
    """Register a CBCT (room frame, HU) with the planning CT: rigid on bone, then the motion modes and a smooth field together.

    Raises GeometryError when the scan does not show the target, when the images do not match, or when the deformation folds.
    """
    _require_target(case, cbct)
    progress("registration", 0, 2)
    backward = [DisplacementField(-v, case.modes.affine_mm) for v in case.modes.velocities_mm]
    found = register(cbct, case.ct, modes=Modes(backward, np.zeros(6), MODE_SD), stiff=bone_mask(case.ct, case.structures))
    progress("registration", 1, 2)
    if found.quality.similarity < POOR:
        what = f"a scan that matches the planning CT with a correlation of {found.quality.similarity:.2f}"
        raise GeometryError(what, where="registration", remedy="check that this is the same patient and region")
    if found.quality.folding > FOLDED:
        what = f"a deformation that folds at {100 * found.quality.folding:.1f} % of its nodes"
        raise GeometryError(what, where="registration", remedy="check the scan for gas, metal or another patient, or take it again")
    day = _day(case, found)
    progress("registration", 2, 2)
    return day


def _day(case: Case, found: Registration) -> Day:
    ct, structures = warped(case.ct, case.structures, found.field)
    position_sd_mm = np.sqrt(np.diag(found.position.covariance)[:3])
    quality = {**asdict(found.quality), "bladder_mL": volume_mL(structures, "BLADDER"), "rectum_mL": volume_mL(structures, "RECTUM")}
    return Day(
        setup_mm=np.asarray(found.position.translation_mm, dtype=np.float64),
        setup_sd_mm=np.hypot(position_sd_mm, FLOOR["setup_mm"]),
        state=measure(case.structures, found.field),
        state_sd=_state_sd(case, found),
        ct=ct,
        structures=structures,
        field=found.field,
        doubts_mm=np.stack(list(doubts_mm(found.deformation, DOUBTS, common_draws(DOUBTS, 5)))).astype(np.float16),
        quality=quality,
        notes=doubts(found.quality),
    )


def doubts(quality: Quality) -> tuple[str, ...]:
    """What a reader must know of a deformation before a dose is carried by it."""
    folds = f"the deformation folds at {100 * quality.folding:.2f} % of its nodes: look at the slices before using this day"
    inexact = f"the deformation and its inverse differ by {quality.inverse_error_mm:.1f} mm (99th percentile): carried doses are doubtful"
    return (folds,) * (quality.folding > 0) + (inexact,) * (quality.inverse_error_mm > INEXACT_mm)


def observations(day: Day, t_s: float, source: str) -> tuple[Observation, ...]:
    """The scan as observations for the twin."""
    value, sd = to_vector(day.state), day.state_sd
    return (
        Observation("setup_mm", t_s, day.setup_mm, day.setup_sd_mm, source),
        Observation("ln_bladder_ratio", t_s, value[0:1], sd[0:1], source),
        Observation("ln_rectum_ratio", t_s, value[1:2], sd[1:2], source),
        Observation("prostate_mm", t_s, value[2:5], sd[2:5], source),
        Observation("rotation_deg", t_s, value[5:6], sd[5:6], source),
    )


def _state_sd(case: Case, found: Registration) -> Float[Array, "6"]:
    """The prostate's from the registration's own posterior with a floor; the others as simulated days show them."""
    _, covariance = mean_motion(found.deformation, case.structures["CTV"], case.ct)
    shift_sd_mm = np.hypot(np.sqrt(np.diag(covariance)), FLOOR["prostate_mm"])
    return np.array([FLOOR["ln_bladder_ratio"], FLOOR["ln_rectum_ratio"], *shift_sd_mm, FLOOR["rotation_deg"]])


def _require_target(case: Case, cbct: Image) -> None:
    """The isocentre must lie in the scan, with tissue around it."""
    low, high = cbct.origin_mm, cbct.origin_mm + cbct.affine_mm[:3, :3] @ (np.array(cbct.shape) - 1)
    inside = (case.isocentre_mm >= np.minimum(low, high)) & (case.isocentre_mm <= np.maximum(low, high))
    if not inside.all():
        remedy = "check the frame of reference and the series"
        raise GeometryError("a scan that does not contain the isocentre", where="CBCT", remedy=remedy)
