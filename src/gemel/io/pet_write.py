"""A PET series out: ActivityImage in Bq/mL → DICOM PET images in BQML, one slope a slice. PS3.3 A.21, C.8.9."""

import math
from pathlib import Path

import numpy as np
from jaxtyping import Float
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import PositronEmissionTomographyImageStorage

from gemel.core.activity import ActivityImage
from gemel.core.errors import UnitError
from gemel.core.image import Array, Image
from gemel.core.time import iso
from gemel.io.dicom_file import serialise
from gemel.io.dicom_object import coded, decimal, new_dataset
from gemel.io.files import write_folder_atomic
from gemel.io.identity import Identity
from gemel.io.orientation import along_lps
from gemel.io.uids import content_uid

_WORDS = {"none": "NONE", "start": "START", "injection": "ADMIN"}


def write_pet(folder: str | Path, scan: ActivityImage, identity: Identity, *, half_life_s: float, description: str = "") -> str:
    """Write PT_0000.dcm … of increasing z; returns the series' UID, which follows from the content. Bq/mL only."""
    if scan.unit != "Bq/mL":
        raise UnitError(f"an image in {scan.unit}", where=str(folder), remedy="calibrate it before writing it as PET")
    array, affine_mm = along_lps(scan.image.array, scan.image.affine_mm)
    clock = f"{scan.acquired_s} {scan.injected_s} {scan.injected_MBq} {scan.duration_s} {scan.nuclide} {scan.decay_corrected_to}"
    content = content_uid("PT", array.tobytes(), np.round(affine_mm, 6).tobytes(), identity.patient_id, clock, description)
    series_uid = content_uid("series", content)
    files = {}
    for k in range(array.shape[2]):
        dataset = new_dataset(PositronEmissionTomographyImageStorage, "PT", identity, content_uid(content, str(k)), frame=scan.image.frame)
        dataset.SeriesInstanceUID, dataset.SeriesDescription = series_uid, description or "gemel, research use"
        _set_scan(dataset, scan, half_life_s)
        _set_slice(dataset, Image(array, affine_mm), k)
        files[f"PT_{k:04d}.dcm"] = serialise(dataset)
    write_folder_atomic(folder, files)
    return series_uid


def _set_scan(dataset: Dataset, scan: ActivityImage, half_life_s: float) -> None:
    dataset.ImageType, dataset.SeriesType = ["DERIVED", "PRIMARY"], ["STATIC", "IMAGE"]
    dataset.Units, dataset.CountsSource, dataset.DecayCorrection = "BQML", "EMISSION", _WORDS[scan.decay_corrected_to]
    dataset.AcquisitionDate, dataset.AcquisitionTime = _date_time(scan.acquired_s)
    dataset.SeriesDate, dataset.SeriesTime = dataset.AcquisitionDate, dataset.AcquisitionTime
    dataset.ActualFrameDuration = round(1000 * scan.duration_s)
    _set_decay(dataset, scan, math.log(2) / half_life_s)
    for keyword in ("PatientOrientationCodeSequence", "PatientGantryRelationshipCodeSequence"):  # type 2, not known
        setattr(dataset, keyword, Sequence([]))
    dataset.CollimatorType = dataset.Laterality = ""
    item = Dataset()
    item.RadionuclideTotalDose, item.RadionuclideHalfLife = decimal(scan.injected_MBq * 1e6), decimal(half_life_s)  # Bq, C.8.9.2
    item.RadiopharmaceuticalStartDateTime = "".join(_date_time(scan.injected_s))
    symbol, mass = scan.nuclide.split("-")
    item.RadionuclideCodeSequence = Sequence([coded(f"{mass}{symbol}", "99GEMEL", scan.nuclide)])
    dataset.RadiopharmaceuticalInformationSequence = Sequence([item])


def _set_decay(dataset: Dataset, scan: ActivityImage, decay_1_s: float) -> None:
    """When the mean of the scan was true, ms after its start: ln(x/(1 - e^(-x)))/λ, x = λ·duration; and the factor that values were given.

    PS3.3 C.8.9.4.1.5, C.8.9.4.1.6.
    """
    x = decay_1_s * scan.duration_s
    within = x / -math.expm1(-x)
    dataset.FrameReferenceTime = decimal(1000 * math.log(within) / decay_1_s)
    corrected = scan.decay_corrected_to != "none"
    dataset.CorrectedImage = ["DECY", "ATTN", "SCAT"] if corrected else ["ATTN", "SCAT"]
    if corrected:
        earlier_s = scan.since_injection_s if scan.decay_corrected_to == "injection" else 0.0
        dataset.DecayFactor = decimal(within * math.exp(decay_1_s * earlier_s))


def _set_slice(dataset: Dataset, image: Image, k: int) -> None:
    spacing_mm = image.spacing_mm
    axes = image.affine_mm[:3, :3] / spacing_mm
    values: Float[Array, "x y"] = image.array[:, :, k].astype(np.float64)
    slope = max(float(values.max()), 1e-30) / 32767.0
    dataset.ImagePositionPatient = [decimal(v) for v in image.origin_mm + image.affine_mm[:3, 2] * k]
    dataset.ImageOrientationPatient = [decimal(v) for v in (*axes[:, 0], *axes[:, 1])]
    dataset.PixelSpacing, dataset.SliceThickness = [decimal(spacing_mm[1]), decimal(spacing_mm[0])], decimal(spacing_mm[2])
    dataset.InstanceNumber = dataset.ImageIndex = k + 1
    dataset.NumberOfSlices = image.shape[2]
    dataset.Columns, dataset.Rows = values.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    written = decimal(slope)
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, written
    dataset.PixelData = np.rint(values / float(written)).clip(0, 32767).astype("<i2").T.tobytes()


def _date_time(t_s: float) -> tuple[str, str]:
    """DA and TM."""
    day, _, time = iso(t_s).rstrip("Z").partition("T")
    return day.replace("-", ""), time.replace(":", "")
