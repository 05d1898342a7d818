"""A PET series in: DICOM PET images → ActivityImage in Bq/mL. PS3.3 A.21, C.8.9."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from pydicom.dataset import Dataset
from pydicom.uid import PositronEmissionTomographyImageStorage

from gemel.core.activity import ActivityImage, Correction
from gemel.core.errors import IdentityError, InputError, UnitError
from gemel.core.image import Array, Image
from gemel.core.time import seconds
from gemel.io.dicom_file import numbers, parse, require_class, text
from gemel.io.dicom_folder import Entry, scan, series_of
from gemel.io.dicom_geometry import plane, stack
from gemel.io.dicom_header import dicom_moment
from gemel.io.dicom_pixels import stored_values
from gemel.io.files import read_bytes
from gemel.io.nm import acquired_time_s
from gemel.io.nuclear_header import NOTHING_STATED, Stated, injected_at_s, injected_MBq, nuclide_of, radiopharmaceutical
from gemel.io.nuclear_units import correction_of, pet_factor_Bq_mL
from gemel.io.orientation import along_lps

APART_S = 30.0
"""Between slices of one bed position clocks differ by less; without decay correction later beds would read low."""


@dataclass(frozen=True)
class _Clock:
    """When the series began, how long it took, and what its values are corrected to."""

    acquired_s: float
    duration_s: float
    injected_s: float
    injected_MBq: float
    corrected: Correction


def read_pet(path: str | Path, stated: Stated = NOTHING_STATED, *, series_uid: str = "") -> ActivityImage:
    """The static PET series of a folder (one time frame); each slice with its own RescaleSlope. `stated` goes before the header.

    Enhanced PET is not read. InputError names the missing tag and the option or sidecar field that states it; UnitError an unknown unit.
    """
    entries = series_of(scan(path), "PT", series_uid, str(path))
    datasets = [parse(read_bytes(entry.path), str(entry.path)) for entry in entries]
    _require_static(entries, datasets)
    first, where = datasets[0], str(entries[0].path)
    clock = _clock(entries, datasets, stated)
    planes = [plane(dataset, str(entry.path)) for entry, dataset in zip(entries, datasets, strict=True)]
    thickness_mm = float(numbers(first, "SliceThickness", 1, where)[0]) if len(entries) == 1 else 0.0
    order, affine_mm = stack(planes, thickness_mm)
    reference_Bq = _reference_activity_Bq(first, clock, where)
    slices = [concentration(datasets[i], stated, str(entries[i].path), reference_Bq) for i in order]
    array, affine_mm = along_lps(np.stack(slices, axis=2), affine_mm)
    return ActivityImage(
        image=Image(array, affine_mm, text(first, "FrameOfReferenceUID", where)),
        unit="Bq/mL",
        nuclide=nuclide_of(first, stated, where),
        acquired_s=clock.acquired_s,
        duration_s=clock.duration_s,
        injected_s=clock.injected_s,
        injected_MBq=clock.injected_MBq,
        decay_corrected_to=clock.corrected,
        source=text(first, "SeriesInstanceUID", where),
    )


def _require_static(entries: Sequence[Entry], datasets: Sequence[Dataset]) -> None:
    for entry, dataset in zip(entries, datasets, strict=True):
        where = str(entry.path)
        require_class(dataset, PositronEmissionTomographyImageStorage, where)
        for keyword in ("Units", "DecayCorrection", "FrameOfReferenceUID", "PatientID"):
            if text(dataset, keyword, where) != text(datasets[0], keyword, where):
                raise IdentityError(f"{keyword} that differs within the series", where=where, remedy="keep one scan in a series")
        kind = text(dataset, "SeriesType", where)
        if "DYNAMIC" in kind or "GATED" in kind:
            raise InputError(
                f"a series of type {kind}", where=where, remedy="read one frame at a time: export frames as series of their own"
            )


def _clock(entries: Sequence[Entry], datasets: Sequence[Dataset], stated: Stated) -> _Clock:
    first, where = datasets[0], str(entries[0].path)
    corrected = stated.decay_corrected_to or correction_of(first, where)
    starts = [acquired_time_s(dataset, stated, str(entry.path)) for entry, dataset in zip(entries, datasets, strict=True)]
    acquired_s = min(starts)
    if corrected == "none" and max(starts) - acquired_s > APART_S:
        found = f"slices taken {(max(starts) - acquired_s) / 60:.3g} min apart without decay correction"
        raise InputError(found, where=where, remedy="export the series with DecayCorrection START, or each bed position by itself")
    if not stated.acquired and corrected == "start":
        acquired_s = _series_start_s(first, acquired_s, where)
    if math.isfinite(stated.duration_s):
        duration_s = stated.duration_s
    elif "ActualFrameDuration" in first:
        duration_s = float(numbers(first, "ActualFrameDuration", 1, where)[0]) / 1000.0
    else:
        remedy = "state it: --duration-s 900, or FrameDuration in the sidecar"
        raise InputError("no duration of the scan (ActualFrameDuration)", where=where, remedy=remedy)
    injected_s = injected_at_s(first, acquired_s, stated, where)
    return _Clock(acquired_s, duration_s, injected_s, injected_MBq(first, stated, where, per_MBq=1e6), corrected)


def _series_start_s(dataset: Dataset, earliest_s: float, where: str) -> float:
    """The reference of DecayCorrection START: the series' time, unless post-processing moved it past the first acquisition.

    Kinahan & Fletcher 2010, Semin Ultrasound CT MR 31:496; QIBA FDG-PET profile, SUV appendix.
    """
    date, time = text(dataset, "SeriesDate", where), text(dataset, "SeriesTime", where)
    if not date or not time:
        return earliest_s
    return min(seconds(dicom_moment(date, time, where)), earliest_s)


def _reference_activity_Bq(dataset: Dataset, clock: _Clock, where: str) -> float:
    """What is left of the injected activity at the time that the values are corrected to; NaN without the half-life."""
    item = radiopharmaceutical(dataset, where)
    injected_Bq = clock.injected_MBq * 1e6
    if clock.corrected == "injection":
        return injected_Bq
    if "RadionuclideHalfLife" not in item:
        return math.nan
    half_life_s = float(numbers(item, "RadionuclideHalfLife", 1, where)[0])
    return injected_Bq * 2.0 ** (-(clock.acquired_s - clock.injected_s) / half_life_s)


def concentration(dataset: Dataset, stated: Stated, where: str, reference_Bq: float) -> Float[Array, "x y"]:
    """Bq/mL = factor·(slope·stored + intercept) (PS3.3 C.8.9.4.1.1); slopes differ from slice to slice."""
    if "RescaleSlope" not in dataset:
        raise UnitError("no RescaleSlope", where=where, remedy="export the series with its rescale; without it the scale is lost")
    slope, intercept = (float(numbers(dataset, k, 1, where)[0]) if k in dataset else 0.0 for k in ("RescaleSlope", "RescaleIntercept"))
    if not slope > 0:
        raise UnitError(f"RescaleSlope = {slope:g}", where=where, remedy="export the series again with its rescale")
    factor = stated.Bq_mL_per_unit
    if not math.isfinite(factor):
        factor = pet_factor_Bq_mL(dataset, where, reference_activity_Bq=reference_Bq)
    return np.asarray((stored_values(dataset, where)[0].T * slope + intercept) * factor, dtype=np.float32)
