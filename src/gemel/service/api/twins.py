"""Twins: the list, the overview, the record."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from gemel.service.api.answers.twins import DiffAnswer, Events, TwinOverview, TwinRow, Twins
from gemel.service.api.asked import Answers, At, TwinId, answered
from gemel.service.api.newest import looked, version_of
from gemel.service.api.reading import Reading
from gemel.service.api.rows import remember
from gemel.service.api.subjects import subjects_of
from gemel.service.security.access import Caller, needs
from gemel.service.state import Held, Service

router = APIRouter(tags=["twins"])
Word = Annotated[str, Query(max_length=80)]


@dataclass(frozen=True)
class Wanted:
    """Which twins of the list: a page of those of a system, and with a part of id, system, title or badge in them."""

    limit: Annotated[int, Query(ge=1, le=500)] = 100
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0
    q: Word = ""
    system: Word = ""


@router.get("/api/twins")
async def twins(
    service: Held, reading: Answers, caller: Annotated[Caller, needs("twins:read")], wanted: Annotated[Wanted, Depends()]
) -> Twins:
    """The twins that the caller may see, the newest first."""
    rows = [row for row in await listed(service, reading, caller) if wanted.system in ("", row.system) and _meant(row, wanted.q)]
    return Twins(len(rows), rows[wanted.offset : wanted.offset + wanted.limit])


async def listed(service: Service, reading: Reading, caller: Caller) -> list[TwinRow]:
    """A row of every twin that the caller may see, the newest first. Rows are remembered until their twin changes."""
    versions = dict(looked(reading.newest).versions)
    subjects = subjects_of(service, reading, versions)
    seen = [twin for twin in reversed(versions) if twin in subjects and caller.sees(subjects[twin])]
    made = await rows_of(reading, {twin: versions[twin] for twin in seen})
    return [TwinRow(**made[twin], subject=subjects[twin], url=f"/twins/{twin}") for twin in seen if twin in made]


async def rows_of(reading: Reading, versions: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Rows by twin; those that are not known are computed together."""
    withdrawn = reading.newest.withdrawn
    lacking = [twin for twin, version in versions.items() if reading.rows.get(twin, ((), {}))[0] != (version, withdrawn)]
    if lacking:
        key = (*(f"{twin} {versions[twin]}" for twin in lacking), str(withdrawn))
        found: dict[str, dict[str, Any]] = await reading.answer("rows", key, {"twins": lacking})
        reading.rows |= {twin: ((versions[twin], withdrawn), found.get(twin, {})) for twin in lacking}
        remember(reading.folder, reading.rows)
    return {twin: row for twin in versions if (row := reading.rows[twin][1])}


def _meant(row: TwinRow, q: str) -> bool:
    wanted = q.casefold()
    return not wanted or any(wanted in text.casefold() for text in (row.id, row.system, row.title, row.badge))


@router.get("/api/twins/{twin_id}", response_model=TwinOverview, dependencies=[needs("twins:read", patient="twin_id")])
async def twin(request: Request, twin_id: TwinId, at: At) -> Response:
    """What the twin believes and expects next, now or as it was; its ETag is what a change must name."""
    return await answered(request, "overview", twin_id, at)


@router.get("/api/twins/{twin_id}/events", response_model=Events, dependencies=[needs("twins:read", patient="twin_id")])
async def events(request: Request, twin_id: TwinId) -> Response:
    """Every entry of its record in words, and whether it counts."""
    return await answered(request, "events", twin_id, {})


@router.get("/api/twins/{twin_id}/diff", response_model=DiffAnswer, dependencies=[needs("twins:read", patient="twin_id")])
async def diff(
    request: Request,
    reading: Answers,
    twin_id: TwinId,
    since: Annotated[
        int | None, Query(alias="from", ge=1, le=1_000_000, description="The version before; the last but one if empty.")
    ] = None,
    until: Annotated[int | None, Query(alias="to", ge=1, le=1_000_000, description="The version after; the newest if empty.")] = None,
) -> Response:
    """What changed from one version to another: beliefs that moved and because of which scan, plans that changed places."""
    now = until if until is not None else version_of(reading.newest, twin_id)
    return await answered(request, "diff", twin_id, {}, since=str(since if since is not None else max(now - 1, 1)), until=str(now))
