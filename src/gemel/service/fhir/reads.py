"""Reading and searching. HL7 FHIR R4, RESTful API: §3.1.0.1 read, §3.1.1 search; paging by `_count` and `_offset`."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from gemel.io.fhir.bundle import capability, searchset
from gemel.io.fhir.checked import Resource, checked
from gemel.service.fhir.served import OF_TWINS, base_of, devices, of_subject, one, paper_of, patient_of, studies_of, study_of, twins_of
from gemel.service.fhir.spoken import Spoken, spoken
from gemel.service.security.access import PUBLIC, Caller, needs
from gemel.service.security.subjects import NOBODY

router = APIRouter(prefix="/fhir", tags=["fhir"], route_class=Spoken)
SEARCHES: dict[str, tuple[str, ...]] = {
    "Patient": ("_id",),
    **{kind: ("_id", "patient") for kind in OF_TWINS},
    "ImagingStudy": ("_id", "patient", "identifier"),
    "Device": ("_id",),
    "AuditEvent": ("patient", "agent", "date"),
}
TAKEN = ("Patient", "ImagingStudy", "Condition", "Procedure", "MedicationAdministration", "Observation")
"""What an EHR may send: alone at its own address, or in a Bundle."""
KNOWN = ("_format", "_count", "_offset", "subject")
Kind = Annotated[str, Path(pattern="^(Observation|RiskAssessment|DiagnosticReport|Provenance|ImagingStudy|Device)$")]
Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
Token = Annotated[str, Query(max_length=200)]
Reads = Annotated[Caller, needs("fhir:read")]
Count = Annotated[int, Query(alias="_count", ge=0, le=500)]
Offset = Annotated[int, Query(alias="_offset", ge=0, le=10_000_000)]


@router.get("/metadata", dependencies=[needs(PUBLIC)])
async def metadata(request: Request) -> Response:
    """What this server can do."""
    return spoken(checked(capability(base_of(request), SEARCHES, TAKEN)))


@router.get("/Patient/{patient_id}")
async def read_patient(request: Request, caller: Annotated[Caller, needs("fhir:read", patient="patient_id")], patient_id: str) -> Response:
    """A patient under their subject key."""
    return spoken(await run_in_threadpool(patient_of, request, caller, patient_id))


@router.get("/Patient")
async def search_patients(request: Request, caller: Reads, count: Count = 50, offset: Offset = 0) -> Response:
    """Patients that the caller may see."""
    require_known(request, "Patient")
    wanted = _subject(request.query_params.get("_id", "")) or None
    keys = sorted({subject for subject in twins_of(request, caller, wanted).values() if subject != NOBODY})
    found = [await run_in_threadpool(patient_of, request, caller, key) for key in keys[offset : offset + count]]
    return page(request, found, len(keys), count, offset)


@router.get("/Binary/{resource_id}")
async def paper(request: Request, caller: Reads, resource_id: Name) -> Response:
    """The report of a twin as a PDF, under the address that its DiagnosticReport gives."""
    return Response(await paper_of(request, caller, resource_id), media_type="application/pdf")


@router.get("/{kind}/{resource_id}")
async def read(request: Request, caller: Reads, kind: Kind, resource_id: Name) -> Response:
    """One resource."""
    return spoken(await one(request, caller, kind, resource_id))


@router.get("/{kind}")
async def search(request: Request, caller: Reads, kind: Kind, count: Count = 50, offset: Offset = 0) -> Response:
    """Resources of one patient; devices of all."""
    require_known(request, kind)
    found = await _found(request, caller, kind)
    return page(request, found[offset : offset + count], len(found), count, offset)


async def _found(request: Request, caller: Caller, kind: str) -> list[Resource]:
    asked = request.query_params
    if "_id" in asked:
        found = [await one(request, caller, kind, asked["_id"])]
    elif kind == "Device":
        found = await devices(request, caller)
    elif kind == "ImagingStudy" and "identifier" in asked:
        held = await run_in_threadpool(study_of, request, caller, asked["identifier"].rpartition("|")[2].removeprefix("urn:oid:"))
        found = [held] if held else []
    else:
        subject = _subject(asked.get("patient") or asked.get("subject", ""))
        if not subject:
            raise HTTPException(400, f"a search for {kind} without a patient — name one: {kind}?patient=KEY")
        of_archive = kind == "ImagingStudy"
        found = (
            await run_in_threadpool(studies_of, request, caller, subject)
            if of_archive
            else await of_subject(request, caller, subject, kind)
        )
    return found


def page(request: Request, found: Sequence[Resource], total: int, count: int, offset: int) -> Response:
    """A page of a search, with the addresses of its neighbours."""
    base, asked = base_of(request), [(k, v) for k, v in request.query_params.multi_items() if k not in ("_count", "_offset")]
    address = f"{base}/{request.url.path.rpartition('/fhir/')[2]}"
    places = {"self": offset} | ({"next": offset + count} if 0 < count < total - offset else {})
    if offset:
        places["previous"] = max(offset - count, 0)
    links = {name: f"{address}?{urlencode([*asked, ('_count', count), ('_offset', at)])}" for name, at in places.items()}
    return spoken(checked(searchset(base, found, total, links)))


def _subject(text: str) -> str:
    """The subject key of `Patient/KEY`, an address of it, or the key alone."""
    return text.rpartition("/")[2]


def require_known(request: Request, kind: str) -> None:
    """Raises HTTPException 400 for a parameter that would be ignored; `Prefer: handling=lenient` asks for just that (R4 §3.1.1.7)."""
    if "handling=lenient" not in request.headers.get("prefer", ""):
        for name in request.query_params:
            if name not in (*SEARCHES[kind], *KNOWN):
                remedy = f"{kind} is searched by {', '.join(SEARCHES[kind])}"
                raise HTTPException(400, f"a search parameter {name[:40]!r} — {remedy}")
