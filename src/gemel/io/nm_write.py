"""A SPECT volume out: ActivityImage → one multi-frame DICOM NM object, RECON TOMO. PS3.3 A.5, C.8.4."""

import math
from pathlib import Path

import numpy as np
from jaxtyping import Shaped
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import NuclearMedicineImageStorage

from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError
from gemel.core.image import Array, Image
from gemel.core.time import iso
from gemel.io.dicom_file import serialise
from gemel.io.dicom_object import coded, decimal, new_dataset
from gemel.io.equipment import stated_maker
from gemel.io.files import write_atomic
from gemel.io.identity import Identity
from gemel.io.orientation import along_lps
from gemel.io.uids import content_uid


def write_nm(path: str | Path, scan: ActivityImage, identity: Identity, *, description: str = "") -> str:
    """Write one SPECT volume; returns its SOP Instance UID, which follows from the content.

    Values are stored as uint16 with one slope: counts by RescaleSlope, Bq/mL by RealWorldValueMappingSequence (UCUM). Only values that are
    not corrected for decay can be written: NM has no element for the time that they are corrected to.
    """
    if scan.decay_corrected_to != "none":
        remedy = "write the values as they were measured"
        raise InputError(f"values corrected for decay to the {scan.decay_corrected_to}", where=str(path), remedy=remedy)
    array, affine_mm = along_lps(scan.image.array, scan.image.affine_mm)
    slope = max(float(array.max()), 1e-30) / 65535.0
    stored = np.rint(array.astype(np.float64) / slope).astype("<u2")
    clock = f"{scan.acquired_s} {scan.injected_s} {scan.injected_MBq} {scan.duration_s} {scan.nuclide} {scan.unit}"
    sop_uid = content_uid("NM", stored.tobytes(), np.round(affine_mm, 6).tobytes(), repr(slope), identity.patient_id, clock, description)
    dataset = new_dataset(NuclearMedicineImageStorage, "NM", identity, sop_uid, frame=scan.image.frame, description=description)
    dataset.ImageType = ["DERIVED", "PRIMARY", "RECON TOMO", "EMISSION"]
    _set_clock(dataset, scan)
    _set_geometry(dataset, Image(array, affine_mm))
    _set_pixels(dataset, stored, scan, slope)
    _leave_unknown(dataset)
    dataset.RadiopharmaceuticalInformationSequence = Sequence([_injection(scan)])
    write_atomic(path, serialise(stated_maker(dataset)))
    return sop_uid


def _set_clock(dataset: Dataset, scan: ActivityImage) -> None:
    day, _, time = iso(scan.acquired_s).rstrip("Z").partition("T")
    dataset.AcquisitionDate = dataset.SeriesDate = day.replace("-", "")
    dataset.AcquisitionTime = dataset.SeriesTime = time.replace(":", "")
    rotation = Dataset()
    rotation.NumberOfFramesInRotation, rotation.ActualFrameDuration = 1, math.floor(1000 * scan.duration_s + 0.5)
    rotation.StartAngle, rotation.ScanArc, rotation.AngularStep, rotation.RotationDirection = 0, 360, 360, "CW"
    dataset.RotationInformationSequence = Sequence([rotation])
    dataset.NumberOfRotations = dataset.NumberOfDetectors = dataset.NumberOfEnergyWindows = 1


def _set_geometry(dataset: Dataset, image: Image) -> None:
    spacing_mm = image.spacing_mm
    axes = image.affine_mm[:3, :3] / spacing_mm
    detector = Dataset()
    detector.ImageOrientationPatient = [decimal(v) for v in (*axes[:, 0], *axes[:, 1])]
    detector.ImagePositionPatient = [decimal(v) for v in image.origin_mm]
    dataset.DetectorInformationSequence = Sequence([detector])
    dataset.PixelSpacing, dataset.SliceThickness = [decimal(spacing_mm[1]), decimal(spacing_mm[0])], decimal(spacing_mm[2])
    upward = float(np.cross(axes[:, 0], axes[:, 1]) @ axes[:, 2])
    dataset.SpacingBetweenSlices = decimal(math.copysign(spacing_mm[2], upward))


def _set_pixels(dataset: Dataset, stored: Shaped[Array, "x y z"], scan: ActivityImage, slope: float) -> None:
    dataset.Columns, dataset.Rows, frames = stored.shape
    dataset.NumberOfFrames, dataset.NumberOfSlices = frames, frames
    dataset.FrameIncrementPointer, dataset.SliceVector = Tag("SliceVector"), list(range(1, frames + 1))
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.CorrectedImage = ["ATTN", "SCAT"]
    if scan.unit == "Bq/mL":
        dataset.RealWorldValueMappingSequence = Sequence([_mapping(slope)])
    else:
        dataset.RescaleIntercept, dataset.RescaleSlope = 0, decimal(slope)
    dataset.PixelData = stored.transpose(2, 1, 0).tobytes()


def _leave_unknown(dataset: Dataset) -> None:
    """Type 2 elements of PS3.3 C.8.4.6 to C.8.4.11 that nobody told us: present, and empty."""
    for keyword in ("PatientOrientationCodeSequence", "PatientGantryRelationshipCodeSequence", "EnergyWindowInformationSequence"):
        setattr(dataset, keyword, Sequence([]))
    dataset.CountsAccumulated, dataset.Laterality = None, ""
    dataset.DetectorInformationSequence[0].CollimatorType, dataset.DetectorInformationSequence[0].FocalDistance = "", None


def _mapping(slope: float) -> Dataset:
    """PS3.3 C.7.6.16.2.11.1."""
    item = Dataset()
    item.RealWorldValueSlope, item.RealWorldValueIntercept = slope, 0.0
    item.RealWorldValueFirstValueMapped, item.RealWorldValueLastValueMapped = 0, 65535
    item.LUTExplanation, item.LUTLabel = "activity concentration", "Bq/ml"
    item["RealWorldValueFirstValueMapped"].VR = item["RealWorldValueLastValueMapped"].VR = "US"
    item.MeasurementUnitsCodeSequence = Sequence([coded("Bq/ml", "UCUM", "Becquerels/milliliter")])
    return item


def _injection(scan: ActivityImage) -> Dataset:
    item = Dataset()
    item.RadionuclideTotalDose = decimal(scan.injected_MBq)  # MBq in this module, C.8.4.10.1.7
    item.RadiopharmaceuticalStartDateTime = iso(scan.injected_s).rstrip("Z").replace("-", "").replace("T", "").replace(":", "")
    symbol, mass = scan.nuclide.split("-")
    item.RadionuclideCodeSequence = Sequence([coded(f"{mass}{symbol}", "99GEMEL", scan.nuclide)])
    return item
