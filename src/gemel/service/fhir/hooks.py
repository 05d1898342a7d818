"""CDS Hooks 2.0: when a patient is opened in an EHR, the forecast of their twin on a card; no twin, no card."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from gemel.core.errors import UnknownError
from gemel.io.fhir.card import card
from gemel.io.fhir.checked import checked
from gemel.io.fhir.person import Person, person_of
from gemel.service.fhir.served import of_twin, twins_of
from gemel.service.fhir.whose import keys_of
from gemel.service.security.access import PUBLIC, Caller, needs
from gemel.service.security.subjects import NOBODY
from gemel.service.state import Held

router = APIRouter(prefix="/cds-services", tags=["cds hooks"])
SERVICE = "gemel-forecast"
HOOK = "patient-view"
KEY = re.compile("[0-9a-f]{32}")
PREFETCH = {"patient": "Patient/{{context.patientId}}"}
Text = Annotated[str, Field(max_length=400)]


@dataclass(frozen=True, config=ConfigDict(extra="ignore"))
class View:
    """What an EHR tells of the patient that was opened."""

    patientId: Text
    userId: Text = ""


@dataclass(frozen=True, config=ConfigDict(extra="ignore"))
class Called:
    """A call of the hook; its prefetch holds the Patient, where the EHR sends it."""

    hook: Text
    hookInstance: Text
    context: View
    prefetch: dict[str, Any] = Field(default_factory=dict)


@router.get("", dependencies=[needs(PUBLIC)])
async def discovery() -> JSONResponse:
    """The services that there are."""
    words = "What the digital twin of this patient expects at the next scan, with 90 % intervals. Research use; not a medical device."
    service = {"hook": HOOK, "id": SERVICE, "title": "Forecast of the digital twin", "description": words, "prefetch": PREFETCH}
    return JSONResponse({"services": [service]})


@router.post(f"/{SERVICE}")
async def forecast(request: Request, service: Held, caller: Annotated[Caller, needs("fhir:read")], called: Called) -> JSONResponse:
    """A card of every twin of the patient that the caller may see.

    The EHR's own id says nothing here unless it is a subject key: people are matched by the medical record numbers of the prefetched
    Patient, never by name.
    """
    if called.hook != HOOK:
        raise HTTPException(400, f"a hook {called.hook[:40]!r} — this service answers {HOOK}")
    cards = []
    for key in keys_of(service.guard.key, _person(called)):
        for twin in twins_of(request, caller, key) if key != NOBODY else ():
            try:
                cards.append(card(await of_twin(request, twin, key)))
            except UnknownError:
                continue
    return JSONResponse({"cards": cards})


def _person(called: Called) -> Person:
    """By the prefetched Patient's numbers, and the id where it is a subject key. Raises InputError for a prefetch that is no Patient."""
    sent = called.prefetch.get("patient")
    numbers = person_of(checked(sent, "prefetch.patient")).numbers if isinstance(sent, dict) else ()
    known = called.context.patientId.rpartition("/")[2]
    return Person(known if KEY.fullmatch(known) else "", numbers)
