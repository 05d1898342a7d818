"""What may be served to a caller: resources of the twins and studies of the patients whom they may see."""

import json
from collections.abc import Mapping
from contextlib import suppress

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from gemel.core.errors import GemelError, UnknownError
from gemel.io.fhir.checked import Resource, checked
from gemel.io.fhir.context import imaging_study, patient
from gemel.io.fhir.lineage import software
from gemel.io.fhir.parts import DEVICE, fhir_id
from gemel.service.api.asked import reading_of
from gemel.service.api.newest import looked, stamp
from gemel.service.api.subjects import subjects_of
from gemel.service.security.access import Caller
from gemel.service.security.subjects import NOBODY, subject_of_row
from gemel.service.state import Service

OF_TWINS = ("Observation", "RiskAssessment", "DiagnosticReport", "Provenance")
STUDIES = 500


def base_of(request: Request) -> str:
    """Where this server's resources are."""
    return f"{str(request.base_url).rstrip('/')}/fhir"


def twins_of(request: Request, caller: Caller, subject: str | None = None, key: str = "") -> dict[str, str]:
    """Subject keys by twin: of those that the caller may see; of one subject, or the twin of one id, where it is stated.

    Only what is asked for is looked at, since the audit log names every patient who was.
    """
    service: Service = request.app.state.service
    reading = reading_of(request)
    found = subjects_of(service, reading, looked(reading.newest).versions)
    meant = {twin: held for twin, held in found.items() if subject in (None, held) and key in ("", fhir_id(twin))}
    return {twin: held for twin, held in meant.items() if caller.sees(held)}


async def of_twin(request: Request, twin: str, subject: str) -> list[Resource]:
    """Every resource of one twin, computed in a child process unless it is known."""
    reading = reading_of(request)
    held, base = stamp(reading.newest, twin), str(request.base_url).rstrip("/")
    told = {"twin": twin, "subject": subject, "base": base, "stamp": "/".join(held)}
    found: list[Resource] = json.loads(await reading.answer("fhir", (*held, subject, base), told))
    return found


async def of_subject(request: Request, caller: Caller, subject: str, kind: str) -> list[Resource]:
    """Resources of a kind of every twin of a patient. A twin that was erased or withdrawn has none."""
    found: list[Resource] = []
    for twin in twins_of(request, caller, subject):
        with suppress(UnknownError):
            found += [one for one in await of_twin(request, twin, subject) if one["resourceType"] == kind]
    return found


async def one(request: Request, caller: Caller, kind: str, name: str) -> Resource:
    """The resource of that id. Raises UnknownError, also for what the caller may not see."""
    unknown = UnknownError(f"no {kind} {name!r} that you may see"[:120], where=kind, remedy="search for it")
    if kind == "Device":
        return await device(request, caller, name)
    if kind == "ImagingStudy":
        found = await run_in_threadpool(study_of, request, caller, name)
        if found is None:
            raise unknown
        return found
    for twin, subject in twins_of(request, caller, key=name.rpartition(".")[0] or "-").items():
        for held in await of_twin(request, twin, subject) if subject != NOBODY else []:
            if (held["resourceType"], held["id"]) == (kind, name):
                return held
    raise unknown


async def paper_of(request: Request, caller: Caller, name: str) -> bytes:
    """The report of the twin of that id as a PDF. Raises UnknownError, InputError for a twin whose system has none."""
    for twin, subject in twins_of(request, caller, key=name.removesuffix(".pdf") if name.endswith(".pdf") else "-").items():
        if subject != NOBODY:
            reading = reading_of(request)
            held = stamp(reading.newest, twin)
            found: bytes = await reading.answer("fhir_paper", held, {"twin": twin, "stamp": "/".join(held)})
            return found
    raise UnknownError(f"no Binary {name!r} that you may see"[:120], where="Binary", remedy="see presentedForm of a DiagnosticReport")


async def device(request: Request, caller: Caller, name: str) -> Resource:
    """gemel itself, or a scanner that has a twin."""
    if name == DEVICE:
        return software()
    for twin in twins_of(request, caller, NOBODY, name):
        return (await of_twin(request, twin, NOBODY))[0]
    raise UnknownError(f"no Device {name!r}"[:80], where="Device", remedy="search for it")


async def devices(request: Request, caller: Caller) -> list[Resource]:
    """gemel and every scanner that has a twin which counts."""
    found = [software()]
    for twin in twins_of(request, caller, NOBODY):
        with suppress(UnknownError):
            found += await of_twin(request, twin, NOBODY)
    return found


def person_of(service: Service, twins: Mapping[str, str]) -> dict[str, str]:
    """Who a patient is, by the first twin that tells; empty where none does."""
    for twin in twins:
        begun = service.store.of_kind("Ingested", twin=twin)
        try:
            return {name: str(value) for name, value in service.store.person(begun[0]).items()}
        except GemelError:
            continue
    return {}


def patient_of(request: Request, caller: Caller, subject: str) -> Resource:
    """The patient; with name and number for who may know them. Raises UnknownError."""
    service: Service = request.app.state.service
    twins = twins_of(request, caller, subject)
    if not twins or subject == NOBODY:
        raise UnknownError(f"no Patient {subject!r} that you may see"[:120], where="Patient", remedy="search for it")
    return checked(patient(subject, person_of(service, twins) if caller.knows(subject) else None))


def studies_of(request: Request, caller: Caller, subject: str) -> list[Resource]:
    """Studies of a patient in the archive, found by the PatientID of their twins."""
    service: Service = request.app.state.service
    who = person_of(service, twins_of(request, caller, subject)).get("patient_id", "")
    if service.archive is None or not who:
        return []
    rows = service.archive.find("study", {"PatientID": who}, limit=STUDIES, offset=0)
    return [_study(service, row, subject) for row in rows if subject_of_row(service.guard.key, row) == subject]


def study_of(request: Request, caller: Caller, name: str) -> Resource | None:
    """The study of that id or UID, where the caller may see its patient."""
    service: Service = request.app.state.service
    if service.archive is None:
        return None
    uid = name if "." in name else None
    rows = service.archive.find("study", {"StudyInstanceUID": uid} if uid else {}, limit=1 if uid else STUDIES, offset=0)
    for row in rows:
        subject = subject_of_row(service.guard.key, row)
        if name in (row["StudyInstanceUID"], fhir_id(row["StudyInstanceUID"])) and caller.sees(subject):
            return _study(service, row, subject)
    return None


def _study(service: Service, row: Mapping[str, str], subject: str) -> Resource:
    series = service.archive.find("series", {"StudyInstanceUID": row["StudyInstanceUID"]}, limit=STUDIES, offset=0)
    return checked(imaging_study(subject, row, series))
