"""Dose grids in: RTDOSE → Image. DICOM PS3.3 C.8.8.3."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Shaped
from pydicom.dataset import Dataset
from pydicom.uid import RTDoseStorage

from gemel.core.errors import GeometryError, InputError, UnitError
from gemel.core.image import Array, Image
from gemel.io.dicom_file import numbers, parse, require_class, text, uid
from gemel.io.dicom_folder import only_file
from gemel.io.dicom_geometry import AXIS_TOLERANCE, Plane, plane, regular_step_mm, stack
from gemel.io.dicom_pixels import stored_values
from gemel.io.files import read_bytes
from gemel.io.identity import Identity, Series, require_same_frame, require_same_patient
from gemel.io.orientation import along_lps

WHOLE_PLAN = ("PLAN", "MULTI_PLAN")  # DoseSummationType of a course: one plan, or several together
_START_mm = 1e-2  # between the two statements of the first frame's z, which are written with few decimals


def read_dose(
    path: str | Path, *, series: Series | None = None, dose_type: str = "PHYSICAL", summation: Collection[str] = WHOLE_PLAN
) -> Image:
    """Dose in Gy, float32, of one RTDOSE file or of the only one in a folder, on the grid that the file states, never moved to another.

    Raises UnitError unless DoseUnits is GY, DoseType is `dose_type` (EFFECTIVE is RBE-weighted) and DoseSummationType is among `summation`
    (a dose of one beam is not that of the plan); IdentityError when `series` is given and is of another patient or frame of reference;
    GeometryError for frames that are not evenly spaced.
    """
    path = only_file(path, "RTDOSE")
    where = str(path)
    dataset = parse(read_bytes(path), where)
    _require_dose(dataset, dose_type, summation, where)
    frame = uid(dataset, "FrameOfReferenceUID", where)
    if series is not None:
        require_same_patient(series.identity, Identity(text(dataset, "PatientID", where), text(dataset, "IssuerOfPatientID", where)), where)
        require_same_frame(series.identity.frame_uid, frame, where)
    stored = stored_values(dataset, where)
    affine_mm = _dose_affine(dataset, len(stored), where)
    array, affine_mm = along_lps(_in_Gy(stored, dataset, where), affine_mm)
    return Image(array, affine_mm, frame)


def _require_dose(dataset: Dataset, dose_type: str, summation: Collection[str], where: str) -> None:
    require_class(dataset, RTDoseStorage, where)
    if text(dataset, "Modality", where) != "RTDOSE":
        raise InputError(f"an object of modality {text(dataset, 'Modality', where) or 'none'}", where=where, remedy="name an RTDOSE file")
    for keyword, expected in (("DoseUnits", ("GY",)), ("DoseType", (dose_type,)), ("DoseSummationType", summation)):
        stated = text(dataset, keyword, where)
        if stated not in expected:
            found = f"{keyword} {stated or 'not stated'} where {' or '.join(expected)} is expected"
            raise UnitError(found, where=where, remedy="export that dose, in GY, or say dose_type= or summation=")


def _in_Gy(stored: Shaped[Array, "frames rows columns"], dataset: Dataset, where: str) -> Float32[Array, "x y z"]:
    """Stored values times DoseGridScaling. Negative ones are refused: only a difference of doses (DoseType ERROR) has them."""
    scaling = float(numbers(dataset, "DoseGridScaling", 1, where)[0])
    if scaling <= 0:
        raise UnitError(f"DoseGridScaling = {scaling:g}", where=where, remedy="export the dose again")
    if int(numbers(dataset, "PixelRepresentation", 1, where)[0]) != 0:
        raise InputError("PixelRepresentation 1 (signed doses)", where=where, remedy="export a dose, not a difference of doses")
    return (stored.transpose(2, 1, 0) * np.float64(scaling)).astype(np.float32)


def _dose_affine(dataset: Dataset, frames: int, where: str) -> Float[Array, "4 4"]:
    """Offsets start at 0 (along the normal), or are the patient z of transverse frames, equal to the first one's (PS3.3 C.8.8.3.2)."""
    first = plane(dataset, where)
    if frames == 1:
        thickness_mm = float(numbers(dataset, "SliceThickness", 1, where)[0])
        if thickness_mm <= 0:
            raise GeometryError(f"one frame with SliceThickness {thickness_mm:g} mm", where=where, remedy="export the whole dose")
        return stack([first], thickness_mm)[1]
    offsets_mm = numbers(dataset, "GridFrameOffsetVector", frames, where)
    step_mm = regular_step_mm(offsets_mm, where)
    affine_mm = stack([first], 1.0)[1]
    affine_mm[:3, 2] = first.normal * step_mm if offsets_mm[0] == 0 else _absolute_step_mm(first, offsets_mm[0], step_mm)
    return affine_mm


def _absolute_step_mm(first: Plane, start_mm: float, step_mm: float) -> Float[Array, "3"]:
    """The second form of GridFrameOffsetVector, for frames across z only: patient coordinates, whatever the normal's sign."""
    transverse = abs(abs(first.normal[2]) - 1) < AXIS_TOLERANCE
    if not transverse or abs(start_mm - first.origin_mm[2]) > _START_mm:
        found = f"GridFrameOffsetVector starts at {start_mm:g} mm, ImagePositionPatient at {first.origin_mm[2]:g} mm in z"
        raise GeometryError(found, where=first.where, remedy="export the dose with offsets from 0")
    return np.array([0.0, 0.0, step_mm])
