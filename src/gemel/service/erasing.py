"""A patient is forgotten for good: the record, received objects, what the node knew and had on its way, jobs, volumes made for viewers.

Regulation (EU) 2016/679, Article 17. What was sent to others, exported, or copied into a backup is not reached: after a backup is restored,
the same erasure is repeated. The audit log stays (ISO 27789 asks for it), with a row that says so: it names a patient by a pseudonym that
needs the service's key.
"""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gemel import flow
from gemel.core.errors import InputError
from gemel.service.api import cached
from gemel.service.archive import erasing as archives
from gemel.service.archive import open_archive
from gemel.service.fhir import book as told
from gemel.service.jobs import table as jobs
from gemel.service.jobs.running import LAID_OUT
from gemel.service.node import routing_book as books
from gemel.service.node.routing_twin import twins_of
from gemel.service.node.sending_audit import noted_by_hand
from gemel.service.security.database import open_database
from gemel.service.security.secret import key_of
from gemel.service.security.subjects import subject_of_person
from gemel.store import Store, left_to_erase

ERASE = "patient:erase"
SHORTEST = 4  # letters of a PatientID that is looked for in words: a shorter one would be found in others'


@dataclass(frozen=True)
class Erased:
    """What went: twins of the record, received objects, jobs, files that waited to be sent."""

    twins: tuple[str, ...]
    objects: int
    jobs: int
    outgoing: int


def erase_patient(store: Store, folder: Path, person: tuple[str, str], reason: str, *, actor: str = "") -> Erased:
    """Erases a PatientID with its issuer, equal to the letter; the service must not run. A call that was cut off is finished by another.

    Raises InputError without a PatientID or a reason, and where nothing of the patient is found; StoreError while the service runs.
    """
    patient_id, issuer = person
    if not patient_id.strip() or not reason.strip():
        raise InputError("no PatientID, or no reason", where="erase", remedy="name the patient and say why he is erased")
    noted_by_hand(folder, ERASE, "", "asked", [person])  # images without a twin leave no other trace
    twins = twins_of(store, patient_id, issuer)
    objects, uids = _from_archive(folder / "archive", patient_id, issuer)
    waited = _from_book(folder, person, twins, uids)
    _from_keys(folder, patient_id, issuer)
    done = _from_jobs(folder / "jobs.db", twins, (patient_id,) if len(patient_id) >= SHORTEST else ())
    for left in (*folder.glob("volume-*"), *folder.glob(LAID_OUT)):  # of a service that was killed while it worked
        shutil.rmtree(left)
    for twin in twins:  # last: they lead to the rest
        cached.forget(folder, twin)
        if left_to_erase(store, twin):
            flow.erase(store, twin, reason, actor=actor)
    if not twins and not objects and not waited:
        where = f"PatientID {patient_id!r}, issuer {issuer!r}"
        raise InputError("nothing of that patient", where=where, remedy="write both as they were received; `gemel route` shows them")
    noted_by_hand(folder, ERASE, "", f"{len(twins)} twins, {objects} objects", [person])
    return Erased(twins, objects, done, waited)


def _from_archive(folder: Path, patient_id: str, issuer: str) -> tuple[int, list[str]]:
    if not folder.is_dir():
        return 0, []
    archive = open_archive(folder)
    try:
        uids = archives.uids_of(archive.index, patient_id, issuer)
        return archive.erase(patient_id, issuer), uids
    finally:
        archive.close()


def _from_book(folder: Path, person: tuple[str, str], twins: tuple[str, ...], uids: list[str]) -> int:
    if not (folder / "node.db").is_file():
        return 0
    book = books.open_book(folder)
    try:
        files = books.forget(book, *person, twins, uids)
    finally:
        book.close()
    for name in files:
        with suppress(FileNotFoundError):
            (folder / "outbox" / f"{name}.dcm").unlink()
    return len(files)


def _from_keys(folder: Path, patient_id: str, issuer: str) -> None:
    """What lies under the subject key: weights, heights and other numbers that an EHR told, relations with their reasons."""
    if not (folder / "subject.key").is_file():
        return
    subject = subject_of_person(key_of(folder / "subject.key"), patient_id, issuer)
    if (folder / "fhir.db").is_file():
        book = told.open_book(folder)
        told.erase(book, subject)
        book.close()
    if (folder / "access.db").is_file():
        access = open_database(folder / "access.db", "")
        with access.change() as connection:
            connection.execute("DELETE FROM care WHERE subject = ?", (subject,))
        access.close()


def _from_jobs(path: Path, twins: tuple[str, ...], words: tuple[str, ...]) -> int:
    if not path.is_file():
        return 0
    table = jobs.open_table(path)
    try:
        return jobs.forget(table, twins, words)
    finally:
        jobs.close(table)
