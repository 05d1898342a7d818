"""An ImagingStudy that an EHR tells of, and the images that came: whether they are here, who observed them, whose turn it is."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from gemel.service.node import routing_book as books
from gemel.service.node.routing import digest_of
from gemel.service.node.routing_twin import observed_in
from gemel.service.security.access import Caller
from gemel.service.security.subjects import subject_of_row
from gemel.service.state import Service

IMAGES = ("CT", "MR", "PT", "NM", "SEG")
WHY = "an ImagingStudy of the record system names it"


def told_of(service: Service, caller: Caller, subject: str, uid: str, twins: Sequence[str]) -> str:
    """What becomes of a study of a subject who has twins, in words; series that nobody observed are laid before a person."""
    series = _series(service, uid)
    others = {found for row in series if (found := subject_of_row(service.guard.key, row)) != subject}
    if not series or any(not caller.sees(other) for other in others):
        return f"study {uid[:64]} is not in the archive: send it to the node (C-STORE) or to /dicom-web/studies (STOW)"
    if others:
        return f"not used: study {uid[:64]} in the archive is of another patient"
    seen = {row["SeriesInstanceUID"]: observed_in(service.store, row["SeriesInstanceUID"]) for row in series}
    done = sorted({twin for twin in seen.values() if twin})
    waiting = [row for row in series if not seen[row["SeriesInstanceUID"]] and row.get("Modality") in IMAGES]
    laid = [row for row in waiting if _laid(service, row, twins)]
    words = [f"study in the archive, {len(series)} series"]
    words += [f"observed by {', '.join(done)}"] if done else []
    words += [f"{len(laid)} series wait for a person in the queue"] if laid else []
    return "; ".join(words)


def _series(service: Service, uid: str) -> list[Mapping[str, Any]]:
    if service.archive is None:
        return []
    found: list[Mapping[str, Any]] = service.archive.find("series", {"StudyInstanceUID": uid}, limit=500, offset=0)
    return [row for row in found if row["StudyInstanceUID"] == uid]


def _laid(service: Service, row: Mapping[str, Any], twins: Sequence[str]) -> bool:
    """Whether a series waits for a person: put there unless the node made something else of it."""
    if service.work is None:
        return False
    book, series = service.work.book, str(row["SeriesInstanceUID"])
    known = books.known(book, series)
    if known is None or known.state == books.LEFT:
        uids = service.archive.files(series)
        item = books.Routed(
            series,
            str(row["StudyInstanceUID"]),
            digest_of(uids),
            books.ASKED,
            act="observe",
            twin=twins[0] if len(twins) == 1 else "",
            why=WHY,
            received_s=time.time(),
            objects=len(uids),
            modality=str(row.get("Modality", "")),
            patient_id=str(row.get("PatientID", "")),
            issuer=str(row.get("IssuerOfPatientID", "")),
        )
        books.keep(book, item)
        return True
    return known.state in (books.ASKED, books.GROWN)
