"""UPS-RS (PS3.18 §11): create, retrieve, update, change state, request cancellation, search. Subscriptions and events are not offered."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydicom.datadict import keyword_for_tag
from starlette.concurrency import run_in_threadpool

from gemel.core.errors import InputError, StoreError, UnknownError
from gemel.service.node import worklist
from gemel.service.node.worklist import Workitem
from gemel.service.node.worklist_items import TRANSACTION, text_of
from gemel.service.security.access import Caller, needs
from gemel.service.security.database import Database
from gemel.service.security.subjects import subject_of_person
from gemel.service.state import Held, Service

router = APIRouter(prefix="/dicom-web/workitems", tags=["worklist"])
JSON = "application/dicom+json"
KINDS = (JSON, "application/json")
MOST_bytes = 1 << 20
NOT_MATCHED = ("limit", "offset", "fuzzymatching", "includefield")
Reads = Annotated[Caller, needs("queue:read")]
Writes = Annotated[Caller, needs("queue:write")]


async def posted(request: Request) -> dict[str, Any]:
    """The one data set of a request's body: DICOM JSON, an object or a list of one. Raises InputError."""
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind not in KINDS:
        raise InputError(f"a body of kind {kind[:60]!r}", where=request.url.path, remedy=f"send {JSON}")
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_bytes:
            raise InputError(f"a body over {MOST_bytes} bytes", where=request.url.path, remedy="send one workitem")
    if not content:
        return {}
    try:
        found = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError("a body that is not JSON", where=request.url.path, remedy="send DICOM JSON (PS3.18 Annex F)") from error
    one = found[0] if isinstance(found, list) and len(found) == 1 else found
    if not isinstance(one, dict) or not all(_is_attribute(tag, told) for tag, told in one.items()):
        raise InputError(
            "no DICOM JSON of one workitem", where=request.url.path, remedy='send [{"00741000": {"vr": "CS", "Value": […]}, …}]'
        )
    return one


Body = Annotated[dict[str, Any], Depends(posted)]


@router.post("", status_code=201)
async def create(request: Request, service: Held, caller: Writes, body: Body) -> Response:
    """A new workitem; its UID may stand alone after the question mark (PS3.18 §11.4)."""
    uid = next((name for name, value in request.query_params.multi_items() if not value), request.query_params.get("workitem", ""))
    whose(service, caller, Workitem(uid, "", "", "", body))
    made = await run_in_threadpool(worklist.create, book(service), uid, body, now_s=service.store.clock())
    address = f"{request.url.path}/{made.uid}"
    return Response(status_code=201, headers={"Location": address, "Content-Location": address})


@router.get("")
async def search(request: Request, service: Held, caller: Reads, limit: Annotated[int, Query(ge=1, le=1000)] = 200,
                 offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0) -> Response:  # fmt: skip
    """Workitems by their attributes, with * and ?, the last changed first: those of patients whom the caller may see (PS3.18 §11.9)."""
    filters = {_keyword(name): value for name, value in request.query_params.multi_items() if name not in NOT_MATCHED}
    found = await run_in_threadpool(worklist.search, book(service), filters, limit=worklist.MOST, offset=0)
    seen = [item for item in found if caller.sees(subject_of(service, item))][offset : offset + limit]
    return _answer([shown(service, caller, item) for item in seen]) if seen else Response(status_code=204)


@router.get("/{workitem}")
async def retrieve(workitem: str, service: Held, caller: Reads) -> Response:
    """One workitem, without the transaction that holds it (PS3.18 §11.5)."""
    return _answer([shown(service, caller, await _of(service, caller, workitem))])


@router.post("/{workitem}")
async def update(request: Request, workitem: str, service: Held, caller: Writes, body: Body) -> Response:
    """Other attributes; with the Transaction UID after the question mark once it is in progress (PS3.18 §11.6)."""
    await _of(service, caller, workitem)
    lock = next((name for name, value in request.query_params.multi_items() if not value), "") or text_of(body, "TransactionUID")
    said = {tag: told for tag, told in body.items() if tag != TRANSACTION}
    await run_in_threadpool(worklist.update, book(service), workitem, said, lock, now_s=service.store.clock())
    return Response(status_code=200, headers={"Content-Location": request.url.path})


@router.put("/{workitem}/state")
async def change_state(request: Request, workitem: str, service: Held, caller: Writes, body: Body) -> Response:
    """Claimed, completed or canceled by whoever holds the Transaction UID (PS3.18 §11.7)."""
    found = await _of(service, caller, workitem)
    state, lock = text_of(body, "ProcedureStepState"), text_of(body, "TransactionUID")
    if found.state == state and state in worklist.FINAL and found.lock == lock:
        return Response(status_code=200, headers={"Warning": f'299 gemel "The UPS is already in the requested state of {state}."'})
    await run_in_threadpool(worklist.change, book(service), workitem, state, lock, now_s=service.store.clock())
    return Response(status_code=200, headers={"Content-Location": request.url.path.removesuffix("/state")})


@router.post("/{workitem}/cancelrequest", status_code=202)
async def request_cancellation(workitem: str, service: Held, caller: Writes, body: Body) -> Response:
    """Canceled where nobody has begun it; 409 otherwise (PS3.18 §11.8)."""
    await _of(service, caller, workitem)
    reason = text_of(body, "ReasonForCancellation")
    await run_in_threadpool(worklist.cancel, book(service), workitem, reason, now_s=service.store.clock())
    return Response(status_code=202)


def book(service: Service) -> Database:
    """The node's book. Raises StoreError where this service has none."""
    if service.work is None:
        raise StoreError("no worklist", where="this service", remedy="start it with an archive")
    found: Database = service.work.book
    return found


def subject_of(service: Service, item: Workitem) -> str:
    """The subject of a workitem: its patient's, or its own where it states none."""
    patient, issuer = item.patient
    return subject_of_person(service.guard.key, patient, issuer or (f"workitem\x1f{item.uid}" if not patient.strip() else ""))


def whose(service: Service, caller: Caller, item: Workitem) -> Workitem:
    """The workitem. Raises UnknownError for one of a patient whom the caller may not see: it is as if it were not there."""
    if not caller.sees(subject_of(service, item)):
        raise UnknownError("no workitem that you may see", where="workitems", remedy="ask for a relation to this patient")
    return item


async def _of(service: Service, caller: Caller, uid: str) -> Workitem:
    return whose(service, caller, await run_in_threadpool(worklist.require, book(service), uid))


def shown(service: Service, caller: Caller, item: Workitem) -> Mapping[str, Any]:
    """What a caller is told of a workitem: who the patient is, only where they may know it."""
    if caller.knows(subject_of(service, item)):
        return item.says
    return {tag: told for tag, told in item.says.items() if not tag.startswith("0010")}


def _answer(found: list[Mapping[str, Any]]) -> Response:
    return Response(json.dumps(found), media_type=JSON)


def _keyword(name: str) -> str:
    """A query's name, which may be a tag in digits, as a keyword."""
    return str(keyword_for_tag(int(name, 16))) if len(name) == 8 and set(name.upper()) <= set("0123456789ABCDEF") else name


def _is_attribute(tag: Any, told: Any) -> bool:
    return isinstance(tag, str) and len(tag) == 8 and isinstance(told, dict) and isinstance(told.get("vr"), str)


def _no_number(text: str) -> Any:
    raise ValueError(text)
