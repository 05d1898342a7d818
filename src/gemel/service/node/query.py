"""C-FIND in a peer's archive (PS3.4 Annex C, study root): what it holds of a patient, a study, a series."""

from collections.abc import Mapping
from typing import Literal

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
)

from gemel.core.errors import InputError, PeerError
from gemel.service.node.rules import Peer
from gemel.service.node.scu import PENDING, SUCCESS, Ours, associated, context, named, status_of, worded

Level = Literal["patient", "study", "series", "instance"]
LEVELS: Mapping[str, str] = {"patient": "PATIENT", "study": "STUDY", "series": "SERIES", "instance": "IMAGE"}
RETURNED: Mapping[str, tuple[str, ...]] = {
    "patient": ("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    "study": (
        *("PatientID", "PatientName", "StudyInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "StudyDescription"),
        *("ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"),
    ),
    "series": (
        *("StudyInstanceUID", "SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription", "SeriesDate"),
        "NumberOfSeriesRelatedInstances",
    ),
    "instance": ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "InstanceNumber"),
}
MOST_ANSWERS = 100_000


def find(level: Level, filters: Mapping[str, str], peer: Peer, ours: Ours | None = None) -> list[dict[str, str]]:
    """One row an answer, by DICOM keywords; `filters` as the peer matches them (exact, * and ?, ranges, lists of UIDs).

    Raises InputError for a keyword that DICOM does not know, PeerError for what the peer answers but success.
    """
    model = PatientRootQueryRetrieveInformationModelFind if level == "patient" else StudyRootQueryRetrieveInformationModelFind
    asked, rows = identifier(level, filters), []
    with associated(peer, [context(model)], ours) as association:
        for answer, found in association.send_c_find(asked, model):
            status = status_of(answer)
            if status in PENDING and found is not None:
                rows.append(_row(found))
                if len(rows) > MOST_ANSWERS:
                    raise PeerError(f"over {MOST_ANSWERS} answers", where=named(peer), remedy="ask for less: a patient, a study, dates")
            elif status not in (SUCCESS, *PENDING):
                raise PeerError(f"C-FIND answered {worded(answer, status)}", where=named(peer), remedy="ask its administrator")
    return rows


def identifier(level: Level, filters: Mapping[str, str]) -> Dataset:
    """The question: what is to match, and, empty, what is to be told."""
    asked = Dataset()
    asked.QueryRetrieveLevel = LEVELS[level]
    for keyword in RETURNED[level]:
        setattr(asked, keyword, "" if dictionary_VR(keyword) != "IS" else None)
    for keyword, value in filters.items():
        if tag_for_keyword(keyword) is None:
            raise InputError(f"no attribute {keyword!r}", where="find", remedy="use DICOM keywords, such as PatientID or StudyInstanceUID")
        setattr(asked, keyword, value)
    return asked


def _row(found: Dataset) -> dict[str, str]:
    left_out = ("QueryRetrieveLevel", "SpecificCharacterSet", "RetrieveAETitle")
    return {e.keyword: _text(e.value) for e in found if e.keyword and e.VR != "SQ" and e.keyword not in left_out}


def _text(value: object) -> str:
    if isinstance(value, MultiValue):
        return "\\".join(map(str, value))
    return "" if value is None else str(value)
