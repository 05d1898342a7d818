"""Bytes ↔ core types: DICOM images, structures and doses, NIfTI. The only place where units are converted."""

from gemel.io.dicom_image import read_dicom, read_series
from gemel.io.dicom_write_image import write_image
from gemel.io.identity import Identity, Series, require_same_frame, require_same_patient
from gemel.io.nifti import read_nifti, write_nifti
from gemel.io.rtdose import read_dose, write_dose
from gemel.io.rtstruct import read_structures
from gemel.io.rtstruct_write import write_structures
from gemel.io.uids import content_uid, is_uid
from gemel.io.units import convert

__all__ = [
    "Identity",
    "Series",
    "content_uid",
    "convert",
    "is_uid",
    "read_dicom",
    "read_dose",
    "read_nifti",
    "read_series",
    "read_structures",
    "require_same_frame",
    "require_same_patient",
    "write_dose",
    "write_image",
    "write_nifti",
    "write_structures",
]
