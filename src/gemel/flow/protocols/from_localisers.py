"""From localisers alone to a slice of water that stands for the patient, and how much less it says than a CT."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gemel import io
from gemel.core.image import Image
from gemel.devices.ct.anatomy import water_ellipse_HU
from gemel.devices.ct.choice import Doubt
from gemel.devices.ct.localised import Ellipse, ellipse
from gemel.devices.ct.scanner import Scanner
from gemel.flow.protocols.asked import Asked
from gemel.io.localizer import LocalizerRead, read_localizer

PIXEL_MM, PIXELS, SLICE_MM = 3.0, 200, 5.0


@dataclass(frozen=True)
class Standing:
    """One slice of water in the patient's place as a series (its SOP Instance UIDs: the localisers'), and its ellipse."""

    series: io.Series
    ellipse: Ellipse


def read_localisers(paths: Sequence[Path]) -> tuple[LocalizerRead, ...]:
    """One or two localisers of one patient in one frame of reference. Raises IdentityError for others."""
    found = tuple(read_localizer(path) for path in paths)
    for other, path in zip(found[1:], paths[1:]):
        io.require_same_patient(found[0].identity, other.identity, str(path))
        io.require_same_frame(found[0].identity.frame_uid, other.identity.frame_uid, str(path))
    return found


def stand_in(read: Sequence[LocalizerRead], asked: Asked, scanner: Scanner, *, water_per_unit: float = 0.0) -> Standing:
    """The slice at the task's height, or the middle of the localisers; its middle is the isocentre. Raises as `ellipse`."""
    at = asked.at_mm[2] if asked.at_mm else None
    found = ellipse([one.radiograph for one in read], scanner, z_mm=at, water_per_unit=water_per_unit)
    shift = [round((m - c) / PIXEL_MM) for m, c in zip(found.middle_mm, found.isocentre_mm)]
    hu = np.roll(water_ellipse_HU(found.a_cm, found.b_cm, pixels=PIXELS, pixel_mm=PIXEL_MM), shift, (0, 1))
    affine = np.diag([PIXEL_MM, PIXEL_MM, SLICE_MM, 1.0])
    affine[:3, 3] = [c - (PIXELS - 1) / 2 * PIXEL_MM for c in found.isocentre_mm] + [found.z_mm]
    first = read[0]
    image = Image(hu[:, :, None].astype(np.float32), affine, first.identity.frame_uid)
    sop_uids = tuple(one.sop_uid for one in read)
    return Standing(io.Series(image, first.identity, sop_uids, acquired=first.acquired, scanner=first.scanner), found)


def wider(doubt: Doubt, found: Ellipse) -> Doubt:
    """The doubt with that of a patient who was not seen in section."""
    return replace(doubt, patient=float(np.hypot(doubt.patient, found.sd_ln_dprime)))
