"""The attributes of a workitem as DICOM JSON (PS3.18 Annex F), by their keywords."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

CLASS_UID = "1.2.840.10008.5.1.4.34.6.1"  # Unified Procedure Step - Push (PS3.6 Annex A)
TRANSACTION = "00081195"
REQUIRED = (
    *("ProcedureStepState", "ScheduledProcedureStepPriority", "ProcedureStepLabel", "WorklistLabel"),
    *("ScheduledProcedureStepStartDateTime", "InputReadinessState"),
)
UPS = (
    *("SOPInstanceUID", "PatientID", "IssuerOfPatientID", "PatientName", "AccessionNumber", "StudyInstanceUID"),
    *REQUIRED,
)
"""What a search may match by."""


def tag_of(keyword: str) -> str:
    """The eight digits by which DICOM JSON names an attribute."""
    return f"{tag_for_keyword(keyword) or 0:08X}"


def value(says: Mapping[str, Any], keyword: str) -> Sequence[Any]:
    """The values of an attribute; nothing where it is missing, or not a list."""
    told = says.get(tag_of(keyword))
    found = told.get("Value") if isinstance(told, Mapping) else None
    return found if isinstance(found, list) else ()


def text_of(says: Mapping[str, Any], keyword: str) -> str:
    """The first value as text; of a name, its alphabetic form."""
    first = next(iter(value(says, keyword)), "")
    return str(first.get("Alphabetic", "")) if isinstance(first, Mapping) else "" if first is None else str(first)


def with_text(says: dict[str, Any], keyword: str, text: str) -> dict[str, Any]:
    """The attributes with one more, or another value of it."""
    vr = dictionary_VR(keyword)
    first: Any = {"Alphabetic": text} if vr == "PN" else text
    return {**says, tag_of(keyword): {"vr": vr, "Value": [first]} if text else {"vr": vr}}


def missing(says: Mapping[str, Any], keywords: Sequence[str]) -> list[str]:
    """Those of the keywords that have no value."""
    return [keyword for keyword in keywords if not text_of(says, keyword)]


def dataset(**told: str) -> dict[str, Any]:
    """DICOM JSON of texts by keyword."""
    says: dict[str, Any] = {}
    for keyword, text in told.items():
        says = with_text(says, keyword, text)
    return says
