"""Whose data they are: one pseudonym for a patient, the same for twins, studies and FHIR, made with a key that stays in the folder."""

import hashlib
import hmac
from typing import Any

from gemel.core.errors import StoreError
from gemel.store import Store

NOBODY = ""
SCANNERS = ("ct_scanner",)
DIGITS = 32


def subject_of_person(key: bytes, patient_id: str, issuer: str = "") -> str:
    """The subject key of a PatientID and its IssuerOfPatientID: 128 bits of HMAC-SHA-256 (RFC 2104), which cannot be tried without the key.

    A name is never used: two people may share it. Fits FHIR's `id`.
    """
    said = f"{patient_id.strip()}\x1f{issuer.strip()}"
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()[:DIGITS]


def subject_of_twin(key: bytes, store: Store, twin: str) -> str | None:
    """The subject of a twin: its person's; `NOBODY` for a scanner's; its own where no PatientID is known, or no more.

    None when there is no such twin.
    """
    begun = store.of_kind("Ingested", twin=twin)
    if not begun:
        return None
    if begun[0].payload.get("system") in SCANNERS:
        return NOBODY
    try:
        person = store.person(begun[0])
    except StoreError:
        person = {}
    if not str(person.get("patient_id", "")).strip():
        return subject_of_person(key, "", f"twin\x1f{twin}")
    return subject_of_person(key, str(person["patient_id"]), str(person.get("issuer", "")))


def subjects_of_twins(key: bytes, store: Store) -> frozenset[str]:
    """The subjects of all twins of the record."""
    return frozenset(found for twin in store.twins() if (found := subject_of_twin(key, store, twin)))


def subject_of_study(key: bytes, archive: Any, study: str) -> str | None:
    """The subject of a study in the archive; its own where no PatientID is known; None when there is none, or it is of several patients."""
    rows = archive.find("study", {"StudyInstanceUID": study}, limit=2, offset=0)
    found = {subject_of_row(key, row) for row in rows}
    return found.pop() if len(found) == 1 else None


def subject_of_row(key: bytes, row: Any) -> str:
    """The subject of a study's, series' or instance's row of the archive."""
    patient = str(row.get("PatientID", "")).strip()
    if not patient:
        return subject_of_person(key, "", f"study\x1f{row.get('StudyInstanceUID', '')}")
    return subject_of_person(key, patient, str(row.get("IssuerOfPatientID", "")))
