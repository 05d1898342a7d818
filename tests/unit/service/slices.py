"""Synthetic CT slices as files, as bare data sets, and with a tag changed."""

from functools import cache
from io import BytesIO

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian

SIDE = 16


def ct_slice(number: int, series: int = 1, study: int = 1, **tags: object) -> Dataset:
    """Slice `number` of a series of a study; `tags` replace or add elements."""
    slice_ = Dataset()
    slice_.SOPClassUID = CTImageStorage
    slice_.SOPInstanceUID = f"1.2.826.0.1.{study}.{series}.{number}"
    slice_.StudyInstanceUID = f"1.2.826.0.1.{study}"
    slice_.SeriesInstanceUID = f"1.2.826.0.1.{study}.{series}"
    slice_.PatientID, slice_.PatientName = f"P{study}", f"Curie^Marie{study}"
    slice_.StudyDate, slice_.Modality, slice_.InstanceNumber = f"202601{study:02d}", "CT", number
    slice_.FrameOfReferenceUID = f"1.2.826.0.2.{study}"
    slice_.ImagePositionPatient, slice_.ImageOrientationPatient = [0, 0, 2 * number], [1, 0, 0, 0, 1, 0]
    slice_.PixelSpacing, slice_.SliceThickness = [1, 1], 2
    slice_.Rows = slice_.Columns = SIDE
    slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
    slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit, slice_.PixelRepresentation = 16, 16, 15, 1
    slice_.RescaleIntercept, slice_.RescaleSlope = 0, 1
    _set(slice_, tags)
    slice_.PixelData = _noise(int(slice_.Rows) * int(slice_.Columns), number)
    return slice_


def _set(slice_: Dataset, tags: dict[str, object]) -> None:
    for keyword, value in tags.items():
        setattr(slice_, keyword, value)


@cache
def _noise(pixels: int, seed: int) -> bytes:
    return np.random.default_rng(seed).normal(40, 12, pixels).astype("<i2").tobytes()


def file_bytes(slice_: Dataset) -> bytes:
    """The slice as a DICOM file."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, slice_.SOPClassUID
    meta.MediaStorageSOPInstanceUID, meta.ImplementationClassUID = slice_.SOPInstanceUID, UID("1.2.826.0.9")
    slice_.file_meta = meta
    stream = BytesIO()
    dcmwrite(stream, slice_, enforce_file_format=True)
    return stream.getvalue()


def ct_file(number: int, series: int = 1, study: int = 1, **tags: object) -> bytes:
    """A synthetic CT slice as a DICOM file."""
    return file_bytes(ct_slice(number, series, study, **tags))


def bare(slice_: Dataset, *, implicit: bool = False) -> bytes:
    """The data set alone, as a network brings it."""
    stream = BytesIO()
    dcmwrite(stream, slice_, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    return stream.getvalue()


SYNTAX = {False: str(ExplicitVRLittleEndian), True: str(ImplicitVRLittleEndian)}
