"""The audit log as AuditEvents, for who may read it. IHE ITI BALP."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from gemel.core.errors import InputError, UnknownError
from gemel.core.time import seconds
from gemel.io.fhir.checked import Resource, checked
from gemel.io.fhir.lineage import audit_event
from gemel.service.fhir.reads import Count, Name, Offset, page, require_known
from gemel.service.fhir.spoken import Spoken, spoken
from gemel.service.security.access import needs
from gemel.service.security.database import Database

router = APIRouter(prefix="/fhir", tags=["fhir"], route_class=Spoken)
Clause = tuple[str, object]
DATES: Mapping[str, str] = {"ge": ">=", "le": "<=", "gt": ">", "lt": "<", "sa": ">", "eb": "<"}
"""Prefixes of a date (R4 §3.1.1.4.5); without one, or with eq, the whole day, hour or second that is written."""
SPANS = {10: 86_400.0, 16: 60.0, 17: 60.0, 22: 60.0}
"""How long what is written lasts, by its length (a minute without a zone, with Z, with +01:00); a second otherwise."""
MARKED = re.compile(r"(?P<prefix>[a-z]{2})?(?P<time>[0-9T:.+Z-]{10,35})")


@router.get("/AuditEvent", dependencies=[needs("audit:read")])
async def search(request: Request, count: Count = 50, offset: Offset = 0, patient: str = "", agent: str = "") -> Response:
    """Rows of the log, the newest first: of a patient, of a user (agent=NAME), of a time (date=ge2026-03-01)."""
    require_known(request, "AuditEvent")
    database: Database = request.app.state.service.audit.database
    wanted = [*_clauses(patient.rpartition("/")[2][:64], agent.rpartition("|")[2][:80]), *_dated(request.query_params.getlist("date")[:4])]
    found, total = await run_in_threadpool(_rows, database, wanted, count, offset)
    return page(request, found, total, count, offset)


@router.get("/AuditEvent/{resource_id}", dependencies=[needs("audit:read")])
async def read(request: Request, resource_id: Name) -> Response:
    """One row."""
    database: Database = request.app.state.service.audit.database
    number = int(resource_id) if resource_id.isdigit() and len(resource_id) < 19 else 0
    rows = await run_in_threadpool(database.select, "SELECT sequence, body FROM audit WHERE sequence = ?", (number,))
    if not rows:
        raise UnknownError(f"no AuditEvent {resource_id!r}", where="AuditEvent", remedy="search for it")
    return spoken(_event(*rows[0]))


def _clauses(patient: str, agent: str) -> Iterator[Clause]:
    """Conditions of whose and by whom."""
    if patient:
        yield "EXISTS (SELECT 1 FROM json_each(body, '$.subjects') WHERE value = ?)", patient
    if agent:
        yield "body ->> '$.user' = ?", agent


def _dated(dates: Sequence[str]) -> Iterator[Clause]:
    """Conditions of when. Raises InputError."""
    for text in dates:
        found = MARKED.fullmatch(text)
        if found is None or found["prefix"] not in (None, "eq", *DATES):
            raise InputError(f"date={text[:40]}", where="AuditEvent", remedy=f"write date=ge2026-03-01; prefixes are {', '.join(DATES)}")
        start_s = seconds(found["time"])
        last_s = start_s + SPANS.get(len(found["time"]), 1.0)
        if found["prefix"] in DATES:
            yield f"body ->> '$.at_s' {DATES[found['prefix']]} ?", last_s if found["prefix"] in ("le", "gt", "sa") else start_s
        else:
            yield from (("body ->> '$.at_s' >= ?", start_s), ("body ->> '$.at_s' < ?", last_s))


def _rows(database: Database, wanted: Sequence[Clause], count: int, offset: int) -> tuple[list[Resource], int]:
    """A page, and how many there are."""
    of, values = f" WHERE {' AND '.join(clause for clause, _ in wanted)}" if wanted else "", [value for _, value in wanted]
    statement = f"SELECT sequence, body FROM audit{of} ORDER BY sequence DESC LIMIT ? OFFSET ?"
    held = database.select(statement, (*values, count, offset))
    return [_event(*row) for row in held], int(database.select(f"SELECT count(*) FROM audit{of}", values)[0][0])


def _event(sequence: Any, body: Any) -> Resource:
    row = json.loads(str(body))
    at = datetime.fromtimestamp(float(row["at_s"]), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return checked(audit_event(int(sequence), row, at))
