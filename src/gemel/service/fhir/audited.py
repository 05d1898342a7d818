"""The audit log as AuditEvents, for who may read it. IHE ITI BALP."""

import json
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from gemel.core.errors import UnknownError
from gemel.io.fhir.checked import Resource, checked
from gemel.io.fhir.lineage import audit_event
from gemel.service.fhir.reads import Count, Name, Offset, page
from gemel.service.fhir.spoken import Spoken, spoken
from gemel.service.security.access import needs
from gemel.service.security.database import Database

router = APIRouter(prefix="/fhir", tags=["fhir"], route_class=Spoken)
OF_ALL = "SELECT sequence, body FROM audit ORDER BY sequence DESC LIMIT ? OFFSET ?"
OF_PATIENT = "SELECT sequence, body FROM audit WHERE instr(body, ?) > 0 ORDER BY sequence DESC LIMIT ? OFFSET ?"


@router.get("/AuditEvent", dependencies=[needs("audit:read")])
async def search(request: Request, count: Count = 50, offset: Offset = 0, patient: str = "") -> Response:
    """Rows of the log, the newest first; of one patient where it is named."""
    database: Database = request.app.state.service.audit.database
    found, total = await run_in_threadpool(_rows, database, patient.rpartition("/")[2][:64], count, offset)
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


def _rows(database: Database, subject: str, count: int, offset: int) -> tuple[list[Resource], int]:
    """A page, and how many there are."""
    named = json.dumps(subject)
    total = "SELECT count(*) FROM audit" + (" WHERE instr(body, ?) > 0" if subject else "")
    statement = OF_PATIENT if subject else OF_ALL
    of = (named,) if subject else ()
    held = database.select(statement, (*of, count, offset))
    return [_event(*row) for row in held], int(database.select(total, of)[0][0])


def _event(sequence: Any, body: Any) -> Resource:
    row = json.loads(str(body))
    at = datetime.fromtimestamp(float(row["at_s"]), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return checked(audit_event(int(sequence), row, at))
