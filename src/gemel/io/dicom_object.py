"""The modules that every object gemel writes has in common: patient, study, series, equipment, SOP. DICOM PS3.3 C.7, C.12.1."""

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from gemel.core.errors import InputError
from gemel.io.identity import Identity
from gemel.io.uids import content_uid, require_uid

IMPLEMENTATION_UID = content_uid("implementation")


def new_dataset(sop_class: str, modality: str, identity: Identity, sop_uid: str, *, frame: str, description: str = "") -> Dataset:
    """A data set with identity and no content yet. A study or frame that the identity leaves empty is derived from the patient.

    The series is new: it is named by the object itself. No clock is read: dates that nobody stated stay empty, and a re-run writes
    equal bytes.
    """
    if not identity.patient_id:
        raise InputError("an empty PatientID", where=f"{modality} to be written", remedy="give the identity of a patient")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class), UID(sop_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID, meta.ImplementationVersionName = UID(IMPLEMENTATION_UID), "GEMEL"
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = UID(sop_class), UID(require_uid(sop_uid, modality))
    dataset.Modality, dataset.Manufacturer, dataset.ManufacturerModelName = modality, "gemel", "gemel"
    dataset.PatientName, dataset.PatientID = identity.patient_name, identity.patient_id
    if identity.issuer:
        dataset.IssuerOfPatientID = identity.issuer
    dataset.StudyInstanceUID = require_uid(identity.study_uid or content_uid("study", identity.patient_id), "study_uid")
    dataset.SeriesInstanceUID = content_uid("series", sop_uid)
    dataset.FrameOfReferenceUID = require_uid(frame or content_uid("frame", identity.patient_id), "frame of reference")
    dataset.SeriesDescription = description or "gemel, research use"
    for keyword in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID"):
        setattr(dataset, keyword, "")
    for keyword in ("PositionReferenceIndicator", "OperatorsName"):
        setattr(dataset, keyword, "")
    dataset.SeriesNumber, dataset.InstanceNumber = 1, 1
    return dataset


def reference(sop_class: str, sop_uid: str) -> Dataset:
    """An item that names another SOP instance (PS3.3 Table 10-11)."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = UID(sop_class), UID(sop_uid)
    return item


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    """An item of a code sequence (PS3.3 §8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def decimal(number: float) -> str:
    """A decimal string of at most 16 characters (PS3.5 §6.2, VR DS)."""
    return format_number_as_ds(float(number))
