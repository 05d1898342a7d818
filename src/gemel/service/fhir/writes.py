"""What an EHR sends: whole or not at all, in any order, as often as it likes; every entry is answered for, in words."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from gemel.io.fhir.bundle import outcome, responded
from gemel.io.fhir.checked import checked
from gemel.io.fhir.inbound import inbound
from gemel.io.fhir.received import Received, received, renamed
from gemel.service.fhir import reads
from gemel.service.fhir.spoken import TAKEN, Spoken, spoken
from gemel.service.fhir.transaction import Told, taken
from gemel.service.security.access import Caller, needs
from gemel.service.state import Held, Service

router = APIRouter(prefix="/fhir", tags=["fhir"], route_class=Spoken)
Kind = Annotated[str, Path(pattern=f"^({'|'.join(reads.TAKEN)})$")]
Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
Writes = Annotated[Caller, needs("fhir:write")]


@router.post("", status_code=200)
async def transaction(request: Request, service: Held, caller: Writes) -> Response:
    """Statements of known codes become jobs of the twins of their patient; the same sent again changes nothing."""
    sent = await _received(request)
    told = await _answered(request, service, caller, sent)
    return spoken(checked(responded([told[number].answer() for number in range(len(sent.resources))], sent.answer)))


@router.post("/{kind}", status_code=200)
async def create(request: Request, service: Held, caller: Writes, kind: Kind) -> Response:
    """One resource; `If-None-Exist: identifier=system|value` does nothing where that is known."""
    sent = renamed(_only(await _received(request), kind), request.headers.get("if-none-exist", ""), True)
    return await _one(request, service, caller, sent)


@router.put("/{kind}/{resource_id}", status_code=200)
async def update(request: Request, service: Held, caller: Writes, kind: Kind, resource_id: Name) -> Response:
    """A new version of one resource, or its end (status entered-in-error)."""
    sent = _only(await _received(request), kind)
    if sent.resources[0].get("id") != resource_id:
        raise HTTPException(400, f"a {kind} of another id than {resource_id} — send a resource to its own address")
    return await _one(request, service, caller, sent)


@router.put("/{kind}", status_code=200)
async def update_named(request: Request, service: Held, caller: Writes, kind: Kind) -> Response:
    """A new version of the resource with `?identifier=system|value`."""
    sent = renamed(_only(await _received(request), kind), request.url.query, False)
    return await _one(request, service, caller, sent)


async def _received(request: Request) -> Received:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in TAKEN or kind in ("*/*", "text/html", "json"):
        raise HTTPException(415, f"content of type {kind[:60] or 'none'} — send application/fhir+json or application/fhir+ndjson")
    return await run_in_threadpool(received, await request.body(), kind)


def _only(sent: Received, kind: str) -> Received:
    """One resource of that kind. Raises HTTPException 400."""
    if len(sent.resources) != 1 or sent.resources[0]["resourceType"] != kind:
        raise HTTPException(400, f"something else than one {kind} — send Bundles to /fhir")
    return sent


async def _one(request: Request, service: Service, caller: Caller, sent: Received) -> Response:
    told = (await _answered(request, service, caller, sent))[0]
    return spoken(checked(outcome(told.severity, told.code, told.words)), told.number)


async def _answered(request: Request, service: Service, caller: Caller, sent: Received) -> dict[int, Told]:
    """What becomes of each entry. Raises what a person must mend; then nothing was taken."""
    return await taken(request, service, caller, inbound(sent, service.store.clock()))
