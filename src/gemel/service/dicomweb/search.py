"""QIDO-RS: studies, series and instances by their attributes. PS3.18 §10.6."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Request, Response

from gemel.core.errors import InputError
from gemel.service.dicomweb.accept import JSON, choose
from gemel.service.dicomweb.attributes import keyword_of, to_json
from gemel.service.dicomweb.found import Row, address_of
from gemel.service.security.access import Caller, needs
from gemel.service.security.subjects import subject_of_row
from gemel.service.state import Held, Service

router = APIRouter()
Level = Literal["study", "series", "instance"]
MOST, USUAL = 1000, 100
_SCANNED = 20_000  # rows that one query looks through to find those that the caller may see
_PAGE = 5000
_FARTHEST = 100_000
_CONTROLS = ("includefield", "limit", "offset", "fuzzymatching", "accept")
PERSON = ("PatientID", "PatientName", "PatientBirthDate", "IssuerOfPatientID", "ReferringPhysicianName", "AccessionNumber", "StudyID")
Reader = Annotated[Caller, needs("images:read")]
ReaderOfStudy = Annotated[Caller, needs("images:read", patient="study")]


@dataclass(frozen=True)
class Query:
    """What is asked: a level, filters by keyword, how many rows from where on."""

    level: Level
    filters: Mapping[str, str]
    limit: int
    offset: int


@router.get("/studies")
def studies(request: Request, service: Held, caller: Reader) -> Response:
    """Studies by their attributes and those of their series and instances."""
    return _answer(request, service, caller, _query(request, "study", {}))


@router.get("/series")
def all_series(request: Request, service: Held, caller: Reader) -> Response:
    """Series of all studies."""
    return _answer(request, service, caller, _query(request, "series", {}))


@router.get("/instances")
def all_instances(request: Request, service: Held, caller: Reader) -> Response:
    """Instances of all studies."""
    return _answer(request, service, caller, _query(request, "instance", {}))


@router.get("/studies/{study}/series")
def series_of_study(study: str, request: Request, service: Held, caller: ReaderOfStudy) -> Response:
    """Series of a study."""
    return _answer(request, service, caller, _query(request, "series", {"StudyInstanceUID": study}))


@router.get("/studies/{study}/instances")
def instances_of_study(study: str, request: Request, service: Held, caller: ReaderOfStudy) -> Response:
    """Instances of a study."""
    return _answer(request, service, caller, _query(request, "instance", {"StudyInstanceUID": study}))


@router.get("/studies/{study}/series/{series}/instances")
def instances_of_series(study: str, series: str, request: Request, service: Held, caller: ReaderOfStudy) -> Response:
    """Instances of a series."""
    return _answer(request, service, caller, _query(request, "instance", {"StudyInstanceUID": study, "SeriesInstanceUID": series}))


def _query(request: Request, level: Level, fixed: Mapping[str, str]) -> Query:
    """Raises HTTPException 400 for a parameter that is no attribute, or no number where one belongs."""
    filters = dict(fixed)
    for name, value in request.query_params.multi_items():
        if name in _CONTROLS:
            continue
        keyword = keyword_of(name)
        if not keyword:
            raise HTTPException(400, f"{name[:64]!r} is no DICOM keyword or tag to match by; write PatientID=… or 00100020=…")
        if keyword in fixed and value not in ("", fixed[keyword]):
            raise HTTPException(400, f"{keyword} {value[:64]!r} in a query below {fixed[keyword]}")
        filters[keyword] = fixed.get(keyword, value.replace(",", "\\") if keyword.endswith("UID") else value)
    offset = _whole(request, "offset", 0)
    if offset > _FARTHEST:
        raise HTTPException(400, f"offset={offset} is beyond {_FARTHEST}; narrow the query by a date or a patient")
    return Query(level, filters, min(_whole(request, "limit", USUAL), MOST), offset)


def _whole(request: Request, name: str, usual: int) -> int:
    text = request.query_params.get(name, str(usual))
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise HTTPException(400, f"{name}={text[:32]!r} is no whole number from 0 on")
    return int(text)


def _answer(request: Request, service: Service, caller: Caller, query: Query) -> Response:
    kind = choose(request, JSON)
    rows, more = _visible(service, caller, query)
    response = Response(to_json(rows, query.level, address_of(request)), media_type=kind)
    if request.query_params.get("fuzzymatching", "").lower() == "true":
        words = "The fuzzymatching parameter is not supported. Only literal matching has been performed."
        response.headers.append("Warning", f'299 gemel "{words}"')
    if more:
        response.headers.append("Warning", '299 gemel "There are additional results that can be requested."')
    return response


def _visible(service: Service, caller: Caller, query: Query) -> tuple[list[Row], bool]:
    """The rows that the caller may see, from `offset` on, and whether there are more.

    Whoever may not know a person is not told by a match on who it is, and reads the pseudonymous key in its place.
    """
    found: list[Row] = []
    seen: dict[str, Row | None] = {}
    by_person = any(query.filters.get(keyword, "").strip("*") for keyword in PERSON)
    wanted, at = query.offset + query.limit + 1, 0
    size = min(wanted, _PAGE)
    page = _page(service, query, size, 0)
    while page:
        for row in page:
            study = row["StudyInstanceUID"]
            if study not in seen:
                seen[study] = _shown(service, caller, row, by_person)
            person = seen[study]
            if person is not None:
                found.append({**row, **person})
        at += len(page)
        if len(page) < size or len(found) >= wanted or at >= _SCANNED + wanted:
            break
        size = min(4 * size, _PAGE)
        page = _page(service, query, size, at)
    return found[query.offset : query.offset + query.limit], len(found) >= wanted


def _page(service: Service, query: Query, limit: int, offset: int) -> list[Row]:
    try:
        rows: list[Row] = service.archive.find(query.level, query.filters, limit=limit, offset=offset)
    except InputError as error:
        raise HTTPException(400, f"{error.found} — {error.remedy}") from error
    return rows


def _shown(service: Service, caller: Caller, row: Row, by_person: bool) -> Row | None:
    """What replaces the person's attributes; nothing where they may be read; None when the row is not to be seen."""
    subject = subject_of_row(service.guard.key, row)
    if not caller.sees(subject):
        return None
    if caller.knows(subject):
        return {}
    return None if by_person else {**dict.fromkeys(PERSON, ""), "PatientID": subject}
