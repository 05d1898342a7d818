"""Whose and which images: Patient and ImagingStudy, under a pseudonym unless the caller may know the person. HL7 FHIR R4."""

from collections.abc import Mapping

from gemel.io.fhir.checked import Resource
from gemel.io.fhir.parts import GEMEL, UID, fhir_id, plain, reference

HIDDEN = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "PSEUDED", "display": "pseudonymized"}
DCM = "http://dicom.nema.org/resources/ontology/DCM"
GENDERS = {"M": "male", "F": "female", "O": "other"}


def patient(subject: str, person: Mapping[str, str] | None = None) -> Resource:
    """The patient of a subject key; `person` (patient_id, issuer, patient_name as DICOM has them) only for who may know it."""
    found: Resource = {"resourceType": "Patient", "id": subject, "identifier": [{"system": f"{GEMEL}:subject", "value": subject}]}
    if not person or not person.get("patient_id"):
        return found | {"meta": {"security": [HIDDEN]}}
    family, _, given = person.get("patient_name", "").partition("^")
    named = plain({"family": family, "given": [part for part in given.split("^") if part]})
    issued = plain({"value": person["patient_id"], "assigner": {"display": person["issuer"]} if person.get("issuer") else {}})
    return plain(found | {"identifier": [*found["identifier"], issued], "name": [named] if named else []})


def imaging_study(subject: str, study: Mapping[str, str], series: list[Mapping[str, str]]) -> Resource:
    """A study of the archive with its series; no description that may tell a name."""
    uid = study["StudyInstanceUID"]
    return plain({
        "resourceType": "ImagingStudy",
        "id": fhir_id(uid),
        "identifier": [{"system": UID, "value": f"urn:oid:{uid}"}],
        "status": "available",
        "subject": reference("Patient", subject),
        "started": _started(study),
        "numberOfSeries": len(series),
        "numberOfInstances": sum(_count(row) for row in series),
        "series": [_series(row) for row in series],
    })  # fmt: skip


def _series(row: Mapping[str, str]) -> Resource:
    modality = {"system": DCM, "code": row.get("Modality") or "OT"}
    number = row.get("SeriesNumber", "")
    return plain({
        "uid": row["SeriesInstanceUID"],
        "number": int(number) if number.isdigit() else None,
        "modality": modality,
        "numberOfInstances": _count(row),
    })  # fmt: skip


def _count(row: Mapping[str, str]) -> int:
    held = str(row.get("NumberOfSeriesRelatedInstances", ""))
    return int(held) if held.isdigit() else 0


def _started(study: Mapping[str, str]) -> str:
    """The study's date; a time without a zone cannot be said in FHIR."""
    date = study.get("StudyDate", "")
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 and date.isdigit() else ""
