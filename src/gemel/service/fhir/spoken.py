"""How a FHIR server speaks: application/fhir+json, and an OperationOutcome for everything that goes wrong."""

import json
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from gemel.core.errors import GemelError
from gemel.io.fhir.bundle import ISSUES, outcome
from gemel.service.problems import STATUS, inside, roots

KIND = "application/fhir+json"
TAKEN = ("application/fhir+json", "application/json", "application/*", "*/*", "text/html", "json", "application/fhir+ndjson")
"""Kinds of content that are taken or wanted; a browser asks for text/html and is given JSON."""


def spoken(resource: Mapping[str, Any], status: int = 200) -> Response:
    """A resource as an answer."""
    return Response(json.dumps(resource, separators=(",", ":"), allow_nan=False), status, media_type=KIND)


class Spoken(APIRoute):
    """A route whose errors are OperationOutcomes."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler, with its errors put into FHIR's words."""
        answer = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                _require_json(request)
                return await answer(request)
            except (GemelError, HTTPException, RequestValidationError) as error:
                return refused(request, error)

        return handler


def refused(request: Request, error: Exception) -> Response:
    """What went wrong, without the folders of this machine."""
    status, words, where = _said(error)
    hidden = roots(request.app.state.service.settings)
    told = outcome("error", ISSUES.get(status, "processing"), inside(words, hidden), where=inside(where, hidden))
    answer = spoken(told, status)
    if isinstance(error, HTTPException):
        answer.headers.update(error.headers or {})
    return answer


def _said(error: Exception) -> tuple[int, str, str]:
    """Status, words and place."""
    if isinstance(error, GemelError):
        status = next(number for kind, number in STATUS if isinstance(error, kind))
        return status, f"{error.found} — {error.remedy}" if error.remedy else error.found, error.where
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail), ""
    assert isinstance(error, RequestValidationError)
    rows = [f"{'.'.join(str(part) for part in row['loc'][1:])}: {row['msg']}" for row in error.errors()]
    return HTTPStatus.BAD_REQUEST, "; ".join(rows)[:400], ""


def _require_json(request: Request) -> None:
    """Raises HTTPException 406 for who takes no JSON; a Binary is a PDF."""
    known = (*TAKEN, "application/pdf") if "/Binary/" in request.url.path else TAKEN
    wanted = request.query_params.get("_format") or request.headers.get("accept") or "*/*"
    if not any(part.partition(";")[0].strip().lower() in known for part in wanted.split(",")):
        raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, f"no answer in {wanted[:80]} — ask for {KIND}")
