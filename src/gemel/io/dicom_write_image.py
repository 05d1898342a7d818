"""A CT series out: synthetic CTs, generated phantoms. Image → single-frame CT images, DERIVED\\SECONDARY. DICOM PS3.3 A.3."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16, Shaped
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image
from gemel.io.dicom_file import serialise
from gemel.io.dicom_header import scanner_of
from gemel.io.dicom_object import decimal, new_dataset
from gemel.io.equipment import stated_maker
from gemel.io.files import digest, write_folder_atomic
from gemel.io.identity import Identity, Series, require_same_frame
from gemel.io.orientation import along_lps
from gemel.io.uids import content_uid

_INTERCEPT_HU = -1024
_MODALITY = "CT"


def write_image(
    folder: str | Path, image: Image, identity: Identity, *, description: str = "", acquired: str = "", maker: bool = False
) -> Series:
    """Write HU as a CT series CT_0000.dcm … of increasing z; returns the series as a reader would find it.

    Values are rounded to 1 HU; RangeError beyond int16 or not finite. The series is new and its UIDs follow from the content;
    `acquired` is ISO 8601 or empty; `maker`: each image says which version of gemel made it.
    An existing folder must be empty or hold this series already; else InputError and nothing is written.
    """
    if image.frame and identity.frame_uid:
        require_same_frame(identity.frame_uid, image.frame, str(folder))
    array, affine_mm = along_lps(image.array, image.affine_mm)
    stored = _stored(array, str(folder))
    content = content_uid(
        "CT", stored.tobytes(), np.round(affine_mm, 6).tobytes(), identity.patient_id, identity.study_uid, description, acquired
    )
    series_uid = content_uid("series", content)
    slices = [_slice(stored[:, :, k], affine_mm, k, content, identity, image.frame or identity.frame_uid) for k in range(stored.shape[2])]
    for dataset in slices:
        dataset.SeriesInstanceUID, dataset.SeriesDescription = series_uid, description or "gemel, research use"
        _set_time(dataset, acquired)
        if maker:
            stated_maker(dataset).Laterality = ""
    files = {f"CT_{k:04d}.dcm": serialise(dataset) for k, dataset in enumerate(slices)}
    write_folder_atomic(folder, files)
    first = slices[0]
    frame, study_uid = str(first.FrameOfReferenceUID), str(first.StudyInstanceUID)
    return Series(
        image=Image((stored.astype(np.float32) + _INTERCEPT_HU), affine_mm, frame),
        identity=replace(identity, study_uid=study_uid, series_uid=series_uid, frame_uid=frame, modality=_MODALITY),
        sop_uids=tuple(str(dataset.SOPInstanceUID) for dataset in slices),
        acquired=acquired,
        digest=digest("".join(sorted(digest(data) for data in files.values())).encode()),
        scanner=scanner_of(first, str(folder)),
    )


def _stored(hounsfield: Shaped[Array, "x y z"], where: str) -> Int16[Array, "x y z"]:
    """round(HU + 1024) as int16."""
    values = np.rint(hounsfield.astype(np.float64)) - _INTERCEPT_HU
    if not np.isfinite(values).all() or values.min() < -(2**15) or values.max() >= 2**15:
        raise RangeError(
            "HU that are not finite or beyond int16", where=where, remedy="clip the image to [-1024, 31743] HU before writing it"
        )
    return values.astype("<i2")


def _slice(stored: Int16[Array, "x y"], affine_mm: Float[Array, "4 4"], k: int, content: str, identity: Identity, frame: str) -> Dataset:
    spacing_mm = np.linalg.norm(affine_mm[:3, :3], axis=0)
    axes = affine_mm[:3, :3] / spacing_mm
    origin_mm = affine_mm[:3, 3] + affine_mm[:3, 2] * k
    dataset = new_dataset(CTImageStorage, _MODALITY, identity, content_uid(content, str(k)), frame=frame)
    dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    dataset.ImagePositionPatient = [decimal(v) for v in origin_mm]
    dataset.ImageOrientationPatient = [decimal(v) for v in (*axes[:, 0], *axes[:, 1])]
    dataset.PixelSpacing, dataset.SliceThickness = [decimal(spacing_mm[1]), decimal(spacing_mm[0])], decimal(spacing_mm[2])
    dataset.PatientPosition, dataset.InstanceNumber = "HFS", k + 1
    dataset.AcquisitionNumber, dataset.KVP = None, None
    dataset.Columns, dataset.Rows = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = _INTERCEPT_HU, 1, "HU"
    dataset.PixelData = stored.T.tobytes()
    return dataset


def _set_time(dataset: Dataset, acquired: str) -> None:
    """ISO 8601 → DA and TM of acquisition and series."""
    day, _, time = acquired.partition("T")
    dataset.AcquisitionDate = dataset.SeriesDate = day.replace("-", "")
    dataset.AcquisitionTime = dataset.SeriesTime = time.replace(":", "")
