"""What an EHR sends: a transaction, whole or not at all, of which models take what they know; every entry is answered for."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from gemel.core.time import seconds
from gemel.io.fhir.bundle import outcome, responded
from gemel.io.fhir.checked import Resource, checked
from gemel.io.fhir.inbound import Person, Values, full_urls, inbound, resources_of
from gemel.service.api.asked import reading_of
from gemel.service.api.twins import rows_of
from gemel.service.fhir.served import twins_of
from gemel.service.fhir.spoken import TAKEN, Spoken, spoken
from gemel.service.security.access import Caller, needs
from gemel.service.security.subjects import subject_of_person
from gemel.service.state import Held, Service

router = APIRouter(prefix="/fhir", tags=["fhir"], route_class=Spoken)
LABS = "labs"


@dataclass(frozen=True)
class Told:
    """What becomes of an entry."""

    status: str
    words: str

    def answer(self) -> Resource:
        """As a transaction's response has it."""
        return {"status": self.status, "outcome": outcome("information", "informational", self.words)}


@router.post("", status_code=200)
async def transaction(request: Request, service: Held, caller: Annotated[Caller, needs("fhir:write")]) -> Response:
    """Observations of known codes become jobs of the twins of their patient; the same values sent again change nothing."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in TAKEN or kind in ("*/*", "text/html", "json"):
        raise HTTPException(415, f"content of type {kind[:60] or 'none'} — send application/fhir+json or application/fhir+ndjson")
    data = await request.body()
    resources = await run_in_threadpool(resources_of, data, kind)
    found = inbound(resources, full_urls(data))
    told = {number: Told("200 OK", f"not used: {why}") for number, why in found.unused.items()}
    for values in found.values:
        answer = await _taken(request, service, caller, values)
        told |= dict.fromkeys(values.entries, answer)
    return spoken(checked(responded([told[number].answer() for number in range(len(resources))])))


async def _taken(request: Request, service: Service, caller: Caller, values: Values) -> Told:
    """Values given to every twin of the patient that takes them."""
    keys = keys_of(service.guard.key, values.person)
    twins = [twin for key in keys for twin in twins_of(request, caller, key)]
    taking = [twin for twin in twins if LABS in await _scans(request, twin)]
    if not taking:
        return Told("200 OK", "not used: no twin of this patient that you may see takes laboratory values")
    new = [twin for twin in taking if not await run_in_threadpool(_known, service, twin, seconds(values.at))]
    if not new:
        return Told("200 OK", f"known already: {', '.join(taking)}")
    body = {"time": values.at} | {name: list(held) for name, held in values.values.items()}
    asks = [asyncio.to_thread(service.jobs.submit, "values", {"twin": twin, "values": body}, actor=caller.name) for twin in new]
    jobs = await asyncio.gather(*asks)
    return Told(
        "202 Accepted", "; ".join(f"{twin} observes {', '.join(values.values)}: job {job}" for twin, job in zip(new, jobs, strict=True))
    )


def keys_of(key: bytes, person: Person) -> list[str]:
    """The subject keys that a person may have here: one this server gave, or made of a number and whoever issued it."""
    made = [subject_of_person(key, number, issuer) for number, issuers in person.numbers for issuer in ("", *issuers)]
    return list(dict.fromkeys((*([person.key] if person.key else []), *made)))


async def _scans(request: Request, twin: str) -> list[str]:
    """The kinds of input that a twin's system observes."""
    reading = reading_of(request)
    rows = await rows_of(reading, {twin: reading.newest.versions[twin]})
    system = str(rows.get(twin, {}).get("system", ""))
    found: list[str] = await reading.answer("fhir_scans", (system,), {"system": system}) if system else []
    return found


def _known(service: Service, twin: str, at_s: float) -> bool:
    """Whether values of that time were observed already."""
    seen = service.store.of_kind("Observed", twin=twin)
    return any(event.valid_s == at_s and event.payload.get("input") == LABS for event in seen)
