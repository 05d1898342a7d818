"""What a scan, or a blood sample, shows of the patient."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gemel.core.activity import ActivityImage, uncorrected
from gemel.core.errors import InputError
from gemel.core.image import Image
from gemel.core.record import Observation
from gemel.core.structures import Structures
from gemel.core.system import Progress
from gemel.devices.nuclear.align import align
from gemel.devices.nuclear.calibration import Calibration, calibrated
from gemel.devices.nuclear.outlines import onto_image
from gemel.devices.nuclear.regions import Blur, Region, measure
from gemel.devices.nuclear.series import require_unlike, scale_of
from gemel.devices.nuclear.template import fitted
from gemel.systems.theranostics.case import Case, decay_half_life_s
from gemel.systems.theranostics.names import organ_of
from gemel.systems.theranostics.observe_pet import is_pet, require_usable, uptake
from gemel.systems.theranostics.plausible import fractions_of, require_labs

MODEL_REL = 0.05
"""Of activity, beside noise: what three first-order exchanges cannot follow. Assumed."""
COUNT_REL = 0.08
"""Of a count or PSA to that before: analysis and the day. Assumed."""
BLOOD_REL = 0.05
COUNTS = ("platelets", "psa")
SCALE = ("largest", "sum")
ALIKE, COARSE = 3, 1000.0
"""Scans of two cycles may be alike; counts of a voxel, a tenth apart, are equal by chance one time in a hundred at COARSE."""


@dataclass(frozen=True)
class Day:
    """What was seen at one time: activity (MBq) and its relative error by organ, values against others, and the image on the regions' grid.

    `ratios`: counts to those before, and `pet_ORGAN`, uptake to the typical one.
    `regions` by contour: activity (MBq), volume (mL). `image` is a voxel of zero where nothing was scanned.
    """

    activity_MBq: Mapping[str, float]
    relative_sd: Mapping[str, float]
    regions_MBq: Mapping[str, float]
    regions_mL: Mapping[str, float]
    ratios: Mapping[str, float]
    blood_MBq_L: float
    image: Image
    structures: Structures
    quality: Mapping[str, float]
    notes: tuple[str, ...]


def observe(case: Case, scan: ActivityImage | Mapping[str, float], progress: Progress) -> Day:
    """Activity of every organ at the start of a scan, uptake in a PET, or laboratory values against those before therapy.

    The scan is brought onto the first one by rigid motion unless both state one frame of reference. Raises InputError for another nuclide,
    an image without calibration, values without a baseline; StructureError for regions outside the image; RangeError for more activity in
    regions than was injected.
    """
    if isinstance(scan, Mapping):
        return _sampled(case, scan)
    return _taken_up(case, scan, progress) if is_pet(scan.nuclide) else _scanned(case, scan, progress)


def observations(day: Day, t_s: float, source: str) -> tuple[Observation, ...]:
    """Logarithms of what was seen, with the errors of this time alone; errors common to all scans are parameters of the model."""
    rows = [(f"ln_{organ}_MBq", MBq, day.relative_sd[organ]) for organ, MBq in day.activity_MBq.items()]
    rows += [("ln_blood_MBq_L", day.blood_MBq_L, BLOOD_REL)] if day.blood_MBq_L > 0 else []
    rows += [(f"ln_{name}_ratio_1", ratio, day.relative_sd.get(name, COUNT_REL)) for name, ratio in day.ratios.items()]
    return tuple(Observation(kind, t_s, np.array([math.log(value)]), np.array([sd]), source) for kind, value, sd in rows)


def beside(day: Day, earlier: Sequence[Mapping[str, float]]) -> None:
    """Raises RangeError for a scan that shares its largest value or its sum with an earlier one (their `quality`): activity is lost."""
    scales = [quality for quality in (*earlier, day.quality) if set(SCALE) <= set(quality)]
    if set(SCALE) <= set(day.quality):
        require_unlike(scales, alike=ALIKE, coarse=COARSE)


def _scanned(case: Case, scan: ActivityImage, progress: Progress) -> Day:
    if scan.nuclide != case.nuclide:
        raise InputError(f"a scan of {scan.nuclide}", where=scan.source[:64], remedy=f"this twin follows {case.nuclide}")
    progress("scan", 0, 2)
    known = (
        calibrated(scan, Calibration(case.Q_1_MBq_s, case.calibration_rel * case.Q_1_MBq_s, case.nuclide)) if case.Q_1_MBq_s > 0 else scan
    )
    true, moved_mm = _placed(case, uncorrected(known, decay_half_life_s(case.nuclide)), first=_is_first(case, scan))
    progress("scan", 1, 2)
    structures = onto_image(case.structures, true.image)
    regions, shift_mm = _measured(case, true, structures)
    progress("scan", 2, 2)
    fractions_of(true, regions)
    activity, relative = _by_organ(regions)
    total_MBq = float(true.image.array.sum(dtype=np.float64)) * true.image.voxel_mL * 1e-6
    return Day(
        activity_MBq=activity,
        relative_sd=relative,
        regions_MBq={region.name: region.activity_Bq * 1e-6 for region in regions},
        regions_mL={region.name: region.volume_mL for region in regions},
        ratios={},
        blood_MBq_L=0.0,
        image=true.image,
        structures=structures,
        quality={"moved_mm": moved_mm, "total_MBq": total_MBq, "shift_mm": shift_mm, **scale_of(scan)},
        notes=(),
    )


def _taken_up(case: Case, scan: ActivityImage, progress: Progress) -> Day:
    """Uptake alone: its activity is not that of the therapy."""
    progress("scan", 0, 1)
    require_usable(scan)
    placed, moved_mm = _placed(case, scan, first=False)
    ratios, sd = uptake(placed, onto_image(case.structures, placed.image))
    progress("scan", 1, 1)
    return replace(_nothing(), ratios=ratios, relative_sd=sd, quality={"moved_mm": moved_mm, **ratios})


def _measured(case: Case, scan: ActivityImage, structures: Structures) -> tuple[tuple[Region, ...], float]:
    """Regions, and the farthest that one of them lay from its outline; summed, or fitted as blurred."""
    summed = measure(scan, structures, Blur(case.fwhm_mm))
    if not case.recover:
        return summed, 0.0
    found = fitted(scan, structures, case.fwhm_mm)
    regions = (replace(r, activity_Bq=found[r.name].activity_Bq, noise_rel=found[r.name].relative_sd) for r in summed)
    return tuple(regions), max(float(np.linalg.norm(f.shift_mm)) for f in found.values())


def _is_first(case: Case, scan: ActivityImage) -> bool:
    """True for the scan that the regions were drawn on."""
    return scan.image.shape == case.reference.shape and np.array_equal(scan.image.array, case.reference.array)


def _placed(case: Case, scan: ActivityImage, *, first: bool) -> tuple[ActivityImage, float]:
    """The scan in the frame of the first one, and how far it was moved."""
    same_frame = bool(scan.image.frame) and scan.image.frame == case.reference.frame
    if same_frame or first:
        return scan, 0.0
    reference = replace(scan, image=case.reference, unit=scan.unit, acquired_s=scan.acquired_s - 1.0, source="first")
    found = align((reference, scan))
    motion = found.motion[1]
    return found.scans[1], float(np.linalg.norm(motion.translation_mm)) if motion is not None else 0.0


def _by_organ(regions: tuple[Region, ...]) -> tuple[dict[str, float], dict[str, float]]:
    """Activity (MBq) of each organ, and its relative error in this scan alone."""
    activity: dict[str, float] = {}
    variance: dict[str, float] = {}
    for region in regions:
        organ, MBq = organ_of(region.name), region.activity_Bq * 1e-6
        activity[organ] = activity.get(organ, 0.0) + MBq
        variance[organ] = variance.get(organ, 0.0) + (region.noise_rel * MBq) ** 2
    return activity, {organ: math.hypot(math.sqrt(variance[organ]) / activity[organ], MODEL_REL) for organ in activity}


def _sampled(case: Case, values: Mapping[str, float]) -> Day:
    require_labs(values)
    unknown = sorted(set(values) - {*COUNTS, "blood_MBq_L"})
    absent = [name for name in COUNTS if name in values and name not in case.baseline]
    if unknown or absent:
        found = f"{unknown[0]!r}" if unknown else f"{absent[0]} without a value before therapy"
        raise InputError(found, where="laboratory values", remedy="give platelets, psa or blood_MBq_L, and those before therapy to `new`")
    ratios = {name: values[name] / case.baseline[name] for name in COUNTS if name in values}
    return replace(_nothing(), ratios=ratios, blood_MBq_L=float(values.get("blood_MBq_L", 0.0)), quality=dict(values))


def _nothing() -> Day:
    """Nothing seen."""
    image = Image(np.zeros((1, 1, 1), dtype=np.float32), np.eye(4))
    return Day({}, {}, {}, {}, {}, 0.0, image, Structures(image, {}), {}, ())
