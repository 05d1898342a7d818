"""Which DICOM attributes are kept at which level of the index (PS3.4 C.6.2.1, study root)."""

STUDY = (
    "StudyInstanceUID",
    "PatientID",
    "IssuerOfPatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyDescription",
    "ReferringPhysicianName",
    "StudyID",
)
SERIES = (
    "SeriesInstanceUID",
    "Modality",
    "SeriesNumber",
    "SeriesDescription",
    "SeriesDate",
    "BodyPartExamined",
    "FrameOfReferenceUID",
    "StationName",
    "Manufacturer",
)
INSTANCE = (
    "SOPInstanceUID",
    "SOPClassUID",
    "TransferSyntaxUID",
    "InstanceNumber",
    "AcquisitionDateTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "Rows",
    "Columns",
    "NumberOfFrames",
)
PLACE = ("segment", "offset", "prefix_bytes", "data_bytes", "sha256", "source", "received_s")
QUARANTINE = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "IssuerOfPatientID", "words")


def listed(names: tuple[str, ...], table: str = "") -> str:
    """Names for a statement; `Rows` is a word of SQL."""
    return ", ".join(f'{table}."{name}"' if table else f'"{name}"' for name in names)


def holes(names: tuple[str, ...]) -> str:
    """As many question marks."""
    return ", ".join("?" * len(names))
