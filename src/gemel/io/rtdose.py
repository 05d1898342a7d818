"""Dose grids: RTDOSE in and out. DICOM PS3.3 C.8.8.3."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt32
from pydicom.dataset import Dataset
from pydicom.uid import RTDoseStorage, RTIonPlanStorage

from gemel.core.errors import GeometryError, InputError, RangeError, UnitError
from gemel.core.image import Array, Image
from gemel.io.dicom_file import numbers, parse, serialise, text, uid
from gemel.io.dicom_folder import only_file
from gemel.io.dicom_geometry import plane, regular_step_mm, stack
from gemel.io.dicom_object import decimal, new_dataset, reference
from gemel.io.dicom_pixels import stored_values
from gemel.io.files import read_bytes, write_atomic
from gemel.io.identity import Identity, Series, require_same_frame, require_same_patient
from gemel.io.orientation import along_lps
from gemel.io.uids import content_uid

_LARGEST = 2**32 - 4096  # room for the rounding of DoseGridScaling to 16 characters


def read_dose(path: str | Path, *, series: Series | None = None, dose_type: str = "PHYSICAL") -> Image:
    """Dose in Gy, float32, of one RTDOSE file or of the only one in a folder.

    Raises UnitError unless DoseUnits is GY and DoseType is `dose_type` (EFFECTIVE is RBE-weighted); IdentityError when `series` is given
    and is of another patient or frame of reference; GeometryError for frames that are not evenly spaced.
    """
    path = only_file(path, "RTDOSE")
    where = str(path)
    dataset = parse(read_bytes(path), where)
    _require_dose(dataset, dose_type, where)
    frame = uid(dataset, "FrameOfReferenceUID", where)
    if series is not None:
        require_same_patient(series.identity, Identity(text(dataset, "PatientID", where), text(dataset, "IssuerOfPatientID", where)), where)
        require_same_frame(series.identity.frame_uid, frame, where)
    stored = stored_values(dataset, where)
    affine_mm = _dose_affine(dataset, len(stored), where)
    scaling = float(numbers(dataset, "DoseGridScaling", 1, where)[0])
    if scaling <= 0:
        raise UnitError(f"DoseGridScaling = {scaling}", where=where, remedy="export the dose again")
    dose_Gy = (stored.transpose(2, 1, 0) * np.float64(scaling)).astype(np.float32)
    array, affine_mm = along_lps(dose_Gy, affine_mm)
    return Image(array, affine_mm, frame)


def write_dose(
    path: str | Path, dose: Image, identity: Identity, *, description: str = "", plan_uid: str = "", summation: str = "PLAN"
) -> str:
    """Write a physical dose in Gy as RTDOSE, 32 bits scaled to its maximum; returns the SOPInstanceUID.

    Rounding is below 1.2e-10 of the maximum. `plan_uid` names the RT Ion Plan that a PLAN dose sums, when there is one. Never approved.
    """
    if dose.frame or identity.frame_uid:
        require_same_frame(identity.frame_uid or dose.frame, dose.frame or identity.frame_uid, str(path))
    array, affine_mm = along_lps(dose.array, dose.affine_mm)
    stored, scaling = _scaled(array, str(path))
    origin_mm, spacing_mm = affine_mm[:3, 3], np.linalg.norm(affine_mm[:3, :3], axis=0)
    axes = affine_mm[:3, :3] / spacing_mm
    content = content_uid("RTDOSE", stored.tobytes(), scaling, np.round(affine_mm, 6).tobytes(), identity.patient_id, description, plan_uid)
    dataset = new_dataset(RTDoseStorage, "RTDOSE", identity, content, description=description, frame=dose.frame or identity.frame_uid)
    dataset.ImagePositionPatient = [decimal(v) for v in origin_mm]
    dataset.ImageOrientationPatient = [decimal(v) for v in (*axes[:, 0], *axes[:, 1])]
    dataset.PixelSpacing = [decimal(spacing_mm[1]), decimal(spacing_mm[0])]
    dataset.SliceThickness = decimal(spacing_mm[2])
    dataset.NumberOfFrames, dataset.FrameIncrementPointer = stored.shape[0], 0x3004000C
    dataset.GridFrameOffsetVector = [decimal(k * spacing_mm[2]) for k in range(stored.shape[0])]
    dataset.Rows, dataset.Columns = stored.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 32, 32, 31, 0
    dataset.DoseUnits, dataset.DoseType, dataset.DoseSummationType = "GY", "PHYSICAL", summation
    dataset.DoseGridScaling, dataset.TissueHeterogeneityCorrection = scaling, "IMAGE"
    if plan_uid:
        dataset.ReferencedRTPlanSequence = [reference(RTIonPlanStorage, plan_uid)]
    dataset.PixelData = stored.tobytes()
    write_atomic(path, serialise(dataset))
    return content


def _require_dose(dataset: Dataset, dose_type: str, where: str) -> None:
    modality = text(dataset, "Modality", where)
    if modality != "RTDOSE":
        raise InputError(f"an object of modality {modality or 'none'}", where=where, remedy="name an RTDOSE file")
    units, kind = text(dataset, "DoseUnits", where), text(dataset, "DoseType", where)
    if units != "GY":
        raise UnitError(f"DoseUnits {units or 'not stated'}", where=where, remedy="export the dose in GY")
    if kind != dose_type:
        raise UnitError(
            f"DoseType {kind or 'not stated'} where {dose_type} is expected", where=where, remedy="export that dose, or say dose_type="
        )


def _dose_affine(dataset: Dataset, frames: int, where: str) -> Float[Array, "4 4"]:
    """Offsets start at 0 (along the normal), or equal patient z of transverse frames (PS3.3 C.8.8.3.2)."""
    offsets_mm = numbers(dataset, "GridFrameOffsetVector", frames, where) if frames > 1 else np.zeros(1)
    first = plane(dataset, where)
    if offsets_mm[0] != 0 and abs(offsets_mm[0] - first.origin_mm[2]) > 1e-2:
        raise GeometryError(
            f"GridFrameOffsetVector starts at {offsets_mm[0]} mm", where=where, remedy="export the dose with offsets from 0"
        )
    if frames == 1:
        thickness_mm = float(numbers(dataset, "SliceThickness", 1, where)[0])
        return stack([first], thickness_mm)[1]
    step_mm = regular_step_mm(offsets_mm, where)
    sign = float(np.sign(first.normal[2])) if offsets_mm[0] != 0 else 1.0
    affine_mm = stack([first], 1.0)[1]
    affine_mm[:3, 2] = first.normal * step_mm * sign
    return affine_mm


def _scaled(dose_Gy: Float[Array, "x y z"], where: str) -> tuple[UInt32[Array, "z y x"], str]:
    """Stored uint32 as (frames, rows, columns) and DoseGridScaling as the text that is written."""
    if not np.isfinite(dose_Gy).all() or dose_Gy.min() < 0:
        raise RangeError("a dose that is negative or not finite", where=where, remedy="correct the dose before writing it")
    largest_Gy = float(dose_Gy.max())
    scaling = decimal(largest_Gy / _LARGEST if largest_Gy > 0 else 1.0)
    stored = np.rint(dose_Gy.astype(np.float64) / float(scaling)).astype("<u4")
    return np.ascontiguousarray(stored.transpose(2, 1, 0)), scaling
