"""Dose grids out: Image → RTDOSE. DICOM PS3.3 C.8.8.3."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped
from pydicom.dataset import Dataset
from pydicom.uid import RTDoseStorage, RTIonPlanStorage

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array, Image
from gemel.io.dicom_file import serialise
from gemel.io.dicom_object import decimal, new_dataset, reference
from gemel.io.equipment import stated_maker
from gemel.io.files import write_atomic
from gemel.io.identity import Identity, require_same_frame
from gemel.io.orientation import along_lps
from gemel.io.uids import content_uid

_SUMMATIONS = ("PLAN", "FRACTION", "BEAM")
_TYPES = ("PHYSICAL", "EFFECTIVE")
_ROUNDING = 2**-20  # room for the rounding of DoseGridScaling to 16 characters


@dataclass(frozen=True)
class DoseForm:
    """What an RTDOSE says of its values.

    `dose_type`: PHYSICAL, or EFFECTIVE (RBE-weighted). `summation`: PLAN, all fractions; FRACTION, the whole of one fraction group; BEAM,
    the beams `beam_numbers` of fraction group 1. `bits`: 32, or 16 for readers that know no more.
    """

    dose_type: str = "PHYSICAL"
    summation: str = "PLAN"
    beam_numbers: tuple[int, ...] = ()
    bits: int = 32

    def __post_init__(self) -> None:
        """Only what the standard enumerates; a BEAM dose names its beams."""
        if self.dose_type not in _TYPES or self.summation not in _SUMMATIONS or self.bits not in (16, 32):
            found = f"DoseType {self.dose_type}, DoseSummationType {self.summation}, {self.bits} bits"
            raise InputError(found, where="DoseForm", remedy=f"choose {'/'.join(_TYPES)}, {'/'.join(_SUMMATIONS)}, 16 or 32")
        if (self.summation == "BEAM") != bool(self.beam_numbers):
            found = f"{len(self.beam_numbers)} beams of a dose of {self.summation}"
            raise InputError(found, where="DoseForm", remedy="name the beams of a BEAM dose, and of no other")


PLAN_DOSE = DoseForm()


def write_dose(
    path: str | Path, dose: Image, identity: Identity, *, description: str = "", plan_uid: str = "", form: DoseForm = PLAN_DOSE
) -> str:
    """Write a dose in Gy, scaled to its maximum; returns the SOPInstanceUID. Never approved.

    Rounding is below 1.2e-10 of the maximum (7.7e-6 with 16 bits). `plan_uid` names the RT Ion Plan that gives this dose (PS3.3 C.8.8.3
    asks for it; a dose of a part of a plan is not written without). Raises RangeError for doses that are negative or not finite.
    """
    if dose.frame or identity.frame_uid:
        require_same_frame(identity.frame_uid or dose.frame, dose.frame or identity.frame_uid, str(path))
    if form.summation != "PLAN" and not plan_uid:
        raise InputError(f"a dose of {form.summation} without its plan", where=str(path), remedy="write the plan first, give plan_uid=")
    array, affine_mm = along_lps(dose.array, dose.affine_mm)
    stored, scaling = _scaled(array, form.bits, str(path))
    content = content_uid(
        "RTDOSE", stored.tobytes(), scaling, np.round(affine_mm, 6).tobytes(), identity.patient_id, description, plan_uid, repr(form)
    )
    dataset = new_dataset(RTDoseStorage, "RTDOSE", identity, content, description=description, frame=dose.frame or identity.frame_uid)
    _set_grid(dataset, affine_mm, len(stored))
    dataset.Rows, dataset.Columns = stored.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = form.bits, form.bits, form.bits - 1
    dataset.DoseUnits, dataset.DoseType, dataset.DoseSummationType = "GY", form.dose_type, form.summation
    dataset.DoseGridScaling, dataset.TissueHeterogeneityCorrection = scaling, "IMAGE"
    if plan_uid:
        dataset.ReferencedRTPlanSequence = [_plan(plan_uid, form)]
    dataset.PixelData = stored.tobytes()
    write_atomic(path, serialise(stated_maker(dataset)))
    return content


def _set_grid(dataset: Dataset, affine_mm: Float[Array, "4 4"], frames: int) -> None:
    """Position and axes of the first frame, offsets of the others from it (the first form of PS3.3 C.8.8.3.2)."""
    spacing_mm = np.linalg.norm(affine_mm[:3, :3], axis=0)
    axes = affine_mm[:3, :3] / spacing_mm
    dataset.ImagePositionPatient = [decimal(v) for v in affine_mm[:3, 3]]
    dataset.ImageOrientationPatient = [decimal(v) for v in (*axes[:, 0], *axes[:, 1])]
    dataset.PixelSpacing = [decimal(spacing_mm[1]), decimal(spacing_mm[0])]
    dataset.SliceThickness = decimal(spacing_mm[2])
    dataset.NumberOfFrames, dataset.FrameIncrementPointer = frames, 0x3004000C
    dataset.GridFrameOffsetVector = [decimal(k * spacing_mm[2]) for k in range(frames)]


def _plan(plan_uid: str, form: DoseForm) -> Dataset:
    """Reference to the plan, and to its fraction group and beams where the dose is of these."""
    plan = reference(RTIonPlanStorage, plan_uid)
    if form.summation != "PLAN":
        group = Dataset()
        group.ReferencedFractionGroupNumber = 1
        plan.ReferencedFractionGroupSequence = [group]
        if form.beam_numbers:
            group.ReferencedBeamSequence = [Dataset() for _ in form.beam_numbers]
            for item, number in zip(group.ReferencedBeamSequence, form.beam_numbers, strict=True):
                item.ReferencedBeamNumber = number
    return plan


def _scaled(dose_Gy: Float[Array, "x y z"], bits: int, where: str) -> tuple[Shaped[Array, "z y x"], str]:
    """Stored unsigned integers as (frames, rows, columns) and DoseGridScaling as the text that is written."""
    if not np.isfinite(dose_Gy).all() or dose_Gy.min() < 0:
        raise RangeError("a dose that is negative or not finite", where=where, remedy="correct the dose before writing it")
    largest_Gy = float(dose_Gy.max())
    scaling = decimal(largest_Gy / ((2**bits - 1) * (1 - _ROUNDING)) if largest_Gy > 0 else 1.0)
    stored = np.rint(dose_Gy.astype(np.float64) / float(scaling)).astype(f"<u{bits // 8}")
    return np.ascontiguousarray(stored.transpose(2, 1, 0)), scaling
