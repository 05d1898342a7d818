"""Errors as a person reads them: application/problem+json (RFC 9457) with what was found, where, and what to do; never a trace."""

import logging
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gemel.core.errors import AccessError, ConflictError, ConformanceError, GemelError, InputError, StaleError, UnknownError
from gemel.service.metrics import printable
from gemel.service.settings import Settings

KIND = "application/problem+json"
STATUS: tuple[tuple[type[GemelError], int], ...] = (
    (UnknownError, 404),
    (StaleError, 412),
    (AccessError, 403),
    (ConflictError, 409),
    (InputError, 422),
    (ConformanceError, 422),
    (GemelError, 503),
)
REMEDIES = {
    400: "correct the request",
    401: "sign in; where you started gemel yourself, `gemel user link` prints a link for it",
    404: "check the address; the API is described at /openapi.json",
    405: "use a method that this address takes",
    413: "send less at once",
    415: "send the kind of content that this address takes",
    429: "wait, then repeat",
    500: "the service's log says more; what was committed before is intact",
    503: "repeat in a while; the service's log says more",
}
LOG = logging.getLogger("gemel.service")


def problem(status: int, title: str, *, where: str = "", remedy: str = "", **more: Any) -> JSONResponse:
    """The answer for what went wrong."""
    advice = remedy or REMEDIES.get(status, "")
    detail = f"{title} — {advice}" if advice else title
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "where": where, "remedy": advice}
    return JSONResponse(body | more, status, media_type=KIND)


def speak(app: FastAPI, settings: Settings) -> None:
    """Gives the application its words for everything that may go wrong."""
    hidden = roots(settings)

    async def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, GemelError)
        status = next(number for kind, number in STATUS if isinstance(error, kind))
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            LOG.error("%s", error)
        return problem(status, inside(error.found, hidden), where=inside(error.where, hidden), remedy=inside(error.remedy, hidden))

    async def malformed(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        found = [_said(row) for row in error.errors()]
        return problem(
            422, found[0] if found else "a request that cannot be read", where=request.url.path, remedy="correct it", errors=found
        )

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        title = str(error.detail)
        if title == HTTPStatus(error.status_code).phrase:
            title = {404: "nothing at this address", 405: f"no {request.method} at this address"}.get(error.status_code, title.lower())
        answer = problem(error.status_code, title, where=request.url.path)
        answer.headers.update(error.headers or {})
        return answer

    async def failed(request: Request, error: Exception) -> JSONResponse:
        LOG.error("failed: %s %s", request.method, printable(request.url.path), exc_info=error)
        return problem(500, "gemel failed to answer this", where=request.url.path)

    for kind, handler in ((GemelError, refused), (RequestValidationError, malformed), (HTTPException, http), (Exception, failed)):
        app.add_exception_handler(kind, handler)


def roots(settings: Settings) -> tuple[str, ...]:
    """Folders of this machine that an answer must not name, the longest first."""
    parent = Path(settings.store.removeprefix("sqlite:///")).absolute().parent
    found = {settings.folder.absolute(), parent, Path(__file__).parents[1], Path.home(), Path.cwd(), Path(tempfile.gettempdir())}
    return tuple(sorted((str(path) for path in found if len(path.parts) > 1), key=len, reverse=True))


def inside(text: str, hidden: tuple[str, ...]) -> str:
    """A text without the folders of this machine."""
    for root in hidden:
        text = text.replace(f"{root}/", "").replace(root, "the service's folder")
    return text


def _said(row: Any) -> str:
    """One fault of a request in words."""
    place = ".".join(str(part) for part in row["loc"] if part not in ("body", "query", "path", "header"))
    source = next((str(part) for part in row["loc"] if part in ("body", "query", "path", "header")), "request")
    return f"{source}{' ' + place if place else ''}: {str(row['msg'])[:200]}"
