"""The audit log over HTTP, for auditors: its rows, and its head to be kept elsewhere."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from gemel.core.time import iso, seconds
from gemel.service.security.access import Caller, needs
from gemel.service.state import Held

router = APIRouter(prefix="/api/audit", tags=["audit"])
Auditor = Annotated[Caller, needs("audit:read")]
Text = Annotated[str, Query(max_length=200)]


class Row(BaseModel):
    """Who did, or tried, what, and when."""

    number: int
    at: str
    user: str
    action: str
    outcome: str
    subjects: list[str]
    purpose: str
    by: str
    peer: str
    place: str
    detail: str


class Rows(BaseModel):
    """Rows of the log, the newest first."""

    rows: list[Row]


class Head(BaseModel):
    """Number and hash of the newest row: `gemel audit verify --anchor NUMBER:HASH` tells later whether all up to it is there."""

    number: int = Field(ge=0)
    hash: str


@router.get("")
def rows(
    service: Held,
    auditor: Auditor,
    since: Text = "",
    until: Text = "",
    user: Text = "",
    patient: Text = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Rows:
    """Rows by time (ISO 8601), user and patient (a subject key)."""
    asked = {
        "body ->> '$.at_s' >= ?": seconds(since) if since else None,
        "body ->> '$.at_s' < ?": seconds(until) if until else None,
        "body ->> '$.user' = ?": user or None,
        "EXISTS (SELECT 1 FROM json_each(body, '$.subjects') WHERE value = ?)": patient or None,
    }
    wanted = {clause: value for clause, value in asked.items() if value is not None}
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    statement = f"SELECT sequence, body FROM audit {where} ORDER BY sequence DESC LIMIT ?"
    return Rows(
        rows=[_row(number, json.loads(body)) for number, body in service.audit.database.select(statement, (*wanted.values(), limit))]
    )


@router.get("/head")
def head(service: Held, auditor: Auditor) -> Head:
    """The newest row's number and hash."""
    number, sealed = service.audit.head()
    return Head(number=number, hash=sealed)


def _row(number: int, body: dict[str, Any]) -> Row:
    return Row(number=number, at=iso(body.pop("at_s")), **body)
