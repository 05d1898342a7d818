"""STOW-RS: objects in, each judged and answered for itself. PS3.18 §10.5."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from gemel.core.errors import InputError, StoreError
from gemel.io.prescan import Scanned, scan
from gemel.io.uids import is_uid
from gemel.service.archive import Stored
from gemel.service.archive.part10 import split
from gemel.service.dicomweb.accept import JSON, MULTIPART, choose, kind_of
from gemel.service.dicomweb.found import address_of
from gemel.service.dicomweb.parts_read import parts_of
from gemel.service.security.access import Caller, needs
from gemel.service.security.subjects import subject_of_row, subjects_of_twins
from gemel.service.state import Held, Service

router = APIRouter()
DICOM = "application/dicom"
_GROUP_BYTES, _GROUP = 16 << 20, 64
NOT_UNDERSTOOD, NO_MATCH, NO_RIGHT, DUPLICATE, NO_ROOM = 0xC000, 0xA900, 0x0124, 0x0111, 0xA700
UIDS = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}
Writer = Annotated[Caller, needs("images:write")]


@dataclass(frozen=True)
class Judged:
    """What became of one object: its class and UID where they could be read, the reason when it failed (PS3.7 annex C), and the words."""

    sop_class: str = ""
    instance: str = ""
    study: str = ""
    failure: int = 0
    words: str = ""


@dataclass
class _Sender:
    """Who sends, into which study (empty: any), and of which patients it is known whether they may."""

    caller: Caller
    study: str = ""
    may: dict[str, bool] = field(default_factory=dict)


@router.post("/studies")
async def store(request: Request, service: Held, caller: Writer) -> JSONResponse:
    """Objects of any study."""
    return await _store(request, service, _Sender(caller))


@router.post("/studies/{target}")
async def store_into(target: str, request: Request, service: Held, caller: Writer) -> JSONResponse:
    """Objects of one study, which may be new; others are refused one by one."""
    if not is_uid(target):
        raise HTTPException(400, f"{target[:80]!r} is no Study Instance UID")
    return await _store(request, service, _Sender(caller, target))


async def _store(request: Request, service: Service, sender: _Sender) -> JSONResponse:
    answer_kind = choose(request, JSON)
    boundary = _require_body(request, service.settings.limits.stow_bytes)
    judged: list[Judged] = []
    group: list[bytearray] = []
    async for kind, content in parts_of(request.stream(), boundary, service.settings.limits.stow_bytes):
        if kind_of(kind).name not in ("", DICOM):
            judged.append(Judged(failure=NOT_UNDERSTOOD, words=f"a part of {kind[:40]}; send {DICOM}"))
            continue
        group.append(content)
        if len(group) >= _GROUP or sum(map(len, group)) >= _GROUP_BYTES:
            judged += await run_in_threadpool(_judge, service, sender, group)
            group = []
    judged += await run_in_threadpool(_judge, service, sender, group)
    if not judged:
        raise HTTPException(400, "a multipart body without a part")
    return _answer(request, judged, answer_kind)


def _require_body(request: Request, largest_bytes: int) -> str:
    """The boundary. Raises HTTPException 413 or 415 before anything is read."""
    headers, kind = request.headers, kind_of(request.headers.get("content-type", ""))
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "compressed bodies are not taken; send the objects as they are")
    if kind.name != MULTIPART or kind.type not in ("", DICOM):
        raise HTTPException(415, f'send multipart/related; type="{DICOM}"; boundary=…, not {kind.name[:80] or "a body without a type"}')
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > largest_bytes:
        raise HTTPException(413, f"a body of {length[:20]} bytes where {largest_bytes} are taken; send fewer objects at once")
    return kind.boundary


def _judge(service: Service, sender: _Sender, group: Iterable[bytearray]) -> list[Judged]:
    """All of a group share one flush of the archive."""
    begun = [_begin(service, sender, memoryview(content)) for content in group]
    return [item if isinstance(item, Judged) else _ended(*item) for item in begun]


def _begin(service: Service, sender: _Sender, content: memoryview) -> Judged | tuple[Scanned, Future[Stored]]:
    try:
        known = scan(content, where="the part")
    except InputError as error:
        return Judged(failure=NOT_UNDERSTOOD, words=f"{error.found}; {error.where}")
    if sender.study not in ("", known.study_instance_uid):
        return _failed(known, NO_MATCH, f"an object of study {known.study_instance_uid}")
    if not _may(service, sender, known):
        return _failed(known, NO_RIGHT, "an object of a patient to whom you have no relation, or under UIDs of one")
    submitted: Future[Stored] = service.archive.submit(*split(content), known, source=f"STOW {sender.caller.name}")
    return known, submitted


def _may(service: Service, sender: _Sender, known: Scanned) -> bool:
    """Whether the caller may add to what is there of this patient, and under these UIDs; whoever is new may be brought by anyone who may
    store at all.

    Who owns the UIDs counts too: an object under another patient's would be kept in quarantine, and hold up what routing does with theirs.
    """
    row = {**known.tags, "StudyInstanceUID": known.study_instance_uid}
    subject = subject_of_row(service.guard.key, row)
    if subject not in sender.may:
        sender.may[subject] = sender.caller.sees(subject) or not _is_there(service, row, subject)
    for level, uid in (("study", known.study_instance_uid), ("series", known.series_instance_uid)):
        if uid not in sender.may:
            sender.may[uid] = _is_mine(service, sender, level, uid)
    places = (subject, known.study_instance_uid, known.series_instance_uid)
    return all(sender.may[place] for place in places) and _is_mine(service, sender, "instance", known.sop_instance_uid)


def _is_mine(service: Service, sender: _Sender, level: str, uid: str) -> bool:
    """Whether what is held under a UID, if anything, is of a patient whom the caller may see."""
    rows = service.archive.find(level, {UIDS[level]: uid}, limit=1, offset=0)
    return all(sender.caller.sees(subject_of_row(service.guard.key, row)) for row in rows)


def _is_there(service: Service, row: Mapping[str, str], subject: str) -> bool:
    """Whether the patient is known: by a study that was received, or by a twin of the record."""
    named = ("PatientID", "IssuerOfPatientID") if row.get("PatientID") else ("StudyInstanceUID",)
    filters = {name: row[name] for name in named if row.get(name)}
    return bool(service.archive.find("study", filters, limit=1, offset=0)) or subject in subjects_of_twins(service.guard.key, service.store)


def _ended(known: Scanned, submitted: Future[Stored]) -> Judged:
    try:
        stored = submitted.result()
    except StoreError as error:
        return _failed(known, NO_ROOM, error.found)
    if stored.status == "quarantined":
        return _failed(known, DUPLICATE, stored.words)
    return Judged(known.sop_class_uid, known.sop_instance_uid, known.study_instance_uid)


def _failed(known: Scanned, reason: int, words: str) -> Judged:
    return Judged(known.sop_class_uid, known.sop_instance_uid, known.study_instance_uid, reason, words)


def _answer(request: Request, judged: list[Judged], kind: str) -> JSONResponse:
    """200 when all are kept, 202 when some are, 409 when none is (PS3.18 §10.5.3)."""
    address = f"{address_of(request)}/studies"
    kept: list[dict[str, Any]] = []
    named: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for item in judged:
        (kept if not item.failure else named if item.instance else others).append(_item(item, address))
    sequences = (("00081198", named), ("00081199", kept), ("0008119A", others))
    body: dict[str, Any] = {tag: {"vr": "SQ", "Value": items} for tag, items in sequences if items}
    return JSONResponse(body, 409 if not kept else 202 if named or others else 200, media_type=kind)


def _item(item: Judged, address: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if item.instance:
        found["00081150"] = {"vr": "UI", "Value": [item.sop_class]}
        found["00081155"] = {"vr": "UI", "Value": [item.instance]}
    if item.failure:
        found["00000902"] = {"vr": "LO", "Value": [item.words[:400]]}
        found["00081197"] = {"vr": "US", "Value": [item.failure]}
    else:
        found["00081190"] = {"vr": "UR", "Value": [f"{address}/{item.study}"]}
    return found
