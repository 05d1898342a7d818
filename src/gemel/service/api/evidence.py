"""How forecasts stood up; models, cohorts and scanners."""

import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from gemel.core.errors import UnknownError
from gemel.flow.data_folder import examinations
from gemel.service.api.answers.evidence import (
    CohortAnswer,
    CohortLine,
    Cohorts,
    LedgerAnswer,
    ModelAnswer,
    Models,
    ScannerRow,
    Scanners,
)
from gemel.service.api.asked import JSON, Answers
from gemel.service.api.newest import looked, stamp
from gemel.service.api.subjects import subjects_of
from gemel.service.api.twins import listed
from gemel.service.security.access import Caller, needs
from gemel.service.state import Held
from gemel.store import standing

router = APIRouter(tags=["evidence"])
Name = Annotated[str, Path(pattern="^[A-Za-z0-9_.-]{1,80}$")]
SCANNER = "ct_scanner"


@router.get("/api/ledger", response_model=LedgerAnswer)
async def ledger(
    service: Held,
    reading: Answers,
    caller: Annotated[Caller, needs("twins:read")],
    by: Literal["model", "patient", "scanner"] = "model",
    model: Annotated[str, Query(max_length=80, pattern=r"^[^\x00]*$")] = "",
) -> Response:
    """How the frozen forecasts of the record stood up: coverage, ranks, trust; by patient, those that the caller may see."""
    found: dict[str, Any] = json.loads(await reading.of_all("ledger", looked(reading.newest).head, by=by, model=model))
    named = {row["of"] for row in found["rows"] if by == "patient"} | {row["twin"] for row in found["left_out"]}
    subjects = subjects_of(service, reading, named)
    seen = {twin for twin, subject in subjects.items() if caller.sees(subject)}
    rows = [row for row in found["rows"] if by != "patient" or row["of"] in seen]
    left_out = [row for row in found["left_out"] if row["twin"] in seen]
    return Response(json.dumps({**found, "rows": rows, "left_out": left_out}), media_type=JSON)


@router.get("/api/models", response_model=Models, dependencies=[needs("models:read")])
async def models(reading: Answers) -> Response:
    """Every installed model, with its evidence."""
    return Response(await reading.of_all("models", examined()), media_type=JSON)


@router.get("/api/models/{name}", response_model=ModelAnswer, dependencies=[needs("models:read")])
async def model(reading: Answers, name: Name) -> Response:
    """One model's card and its last examination."""
    return Response(await reading.of_all("model", examined(), name=name), media_type=JSON)


@router.get("/api/cohorts", dependencies=[needs("cohorts:read")])
def cohorts(service: Held) -> Cohorts:
    """Every queue of tasks of the record, and how it stands."""
    return Cohorts([_line(found) for found in standing.standings(service.store.rows)])


@router.get("/api/cohorts/{name}", dependencies=[needs("cohorts:read")])
async def cohort(service: Held, reading: Answers, name: Name) -> CohortAnswer:
    """One queue; arms, differences and charts of a trial that is done."""
    held = standing.standings(service.store.rows, name)
    if not held:
        raise UnknownError(f"no cohort {name}", where="the record", remedy="list them: GET /api/cohorts")
    line = _line(held[0])
    key = (name, str(line.waiting), str(line.leased), str(line.done), str(line.failed))
    found: dict[str, Any] = await reading.answer("cohort", key, {"name": name})
    return CohortAnswer(**asdict(line), **found)


@router.get("/api/scanners")
async def scanners(service: Held, reading: Answers, caller: Annotated[Caller, needs("scanners:read")]) -> Scanners:
    """The scanners, each with its state, the likeliest causes, and the days until a limit is passed."""
    rows = [row for row in await listed(service, reading, caller) if row.system == SCANNER]
    found: list[ScannerRow] = []
    for row in rows:
        held = stamp(reading.newest, row.id)
        found.append(await reading.answer("scanner", held, {"twin": row.id}))
    return Scanners(found)


def examined() -> str:
    """What changes when a model is examined."""
    try:
        return str(examinations().stat().st_mtime_ns)
    except OSError:
        return ""


def _line(found: standing.Standing) -> CohortLine:
    return CohortLine(found.queue, found.title, found.waiting, found.leased, found.done, found.failed)
