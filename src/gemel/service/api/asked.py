"""What every read is asked: which twin, as of when, known by when; and how its answer is named, so that it need not be sent twice."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException, Path, Query, Request, Response

from gemel.core.errors import InputError, StaleError
from gemel.core.time import seconds
from gemel.service.api.newest import stamp, version_of
from gemel.service.api.reading import Reading

TwinId = Annotated[str, Path(min_length=1, max_length=200, description="A twin's id.", examples=["prostate-3a3c8ca27e"])]
Times = dict[str, str]
JSON = "application/json"
YEARS = ("0001", "9999")
"""Of which Python's clock does not take every moment to seconds."""


def reading_of(request: Request) -> Reading:
    """Who answers in this service."""
    reading: Reading = request.app.state.reading
    return reading


async def _reading(request: Request) -> Reading:
    """The same as a dependency: a coroutine, for FastAPI gives each plain function a thread, which takes longer than the answer."""
    return reading_of(request)


Answers = Annotated[Reading, Depends(_reading)]


async def times_of(
    as_of: Annotated[str, Query(max_length=40, description="ISO 8601: what had happened by then.")] = "",
    known_at: Annotated[str, Query(max_length=40, description="ISO 8601: what was known by then.")] = "",
) -> Times:
    """The times asked for, those that were stated. Raises InputError for what is no time."""
    asked = {name: value for name, value in (("as_of", as_of), ("known_at", known_at)) if value}
    for name, value in asked.items():
        if value[:4] in YEARS:
            raise InputError(f"a time {value!r}", where=name, remedy="name a year in between")
        seconds(value)
    return asked


At = Annotated[Times, Depends(times_of)]


async def answered(request: Request, view: str, twin: str, times: Mapping[str, str], **more: str) -> Response:
    """A view of a twin as JSON: 304 when the caller holds it already. `more`: what else it was asked for."""
    reading = reading_of(request)
    reading.forget_erased()
    held = stamp(reading.newest, twin)
    tag = etag(held, {**times, **more})
    if tag in _held(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(await reading.view(view, held, times, **more), media_type=JSON, headers={"ETag": tag})


def etag(held: tuple[str, ...], asked: Mapping[str, str]) -> str:
    """`"7"`: version 7 of a twin; `"7.31"`: as withdrawals up to entry 31 of the record leave it; weak for a view of another time."""
    version, withdrawn = held[1:3]
    named = version if withdrawn == "0" else f"{version}.{withdrawn}"
    if not asked:
        return f'"{named}"'
    told = hashlib.sha256(json.dumps(dict(asked), sort_keys=True).encode()).hexdigest()[:12]
    return f'W/"{named}-{told}"'


def _held(header: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in header.split(",")) if len(header) < 4096 else ()


async def expected_version(
    request: Request,
    twin_id: TwinId,
    if_match: Annotated[str, Header(max_length=80, description="The version that the change rests on, as ETag gave it.")] = "",
) -> int:
    """The version that a change rests on. Raises HTTPException 428 without one, InputError for none, StaleError for an old one."""
    now = version_of(reading_of(request).newest, twin_id)
    if not if_match:
        raise HTTPException(428, "a change that does not say which version it rests on: send If-Match with the ETag of the twin")
    text = if_match.strip().removeprefix("W/").strip('"').partition("-")[0].partition(".")[0]
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InputError(f"a version {if_match[:40]!r}", where="If-Match", remedy='write it as "7", as ETag gave it')
    if int(text) != now:
        raise StaleError(f"version {int(text)}, where the twin is at {now}", where=twin_id, remedy="look at it again, then ask again")
    return now


Expected = Annotated[int, Depends(expected_version)]


def text_of(value: Any) -> str:
    """What was stated, as text; empty for nothing."""
    return "" if value is None else str(value)
