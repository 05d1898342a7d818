"""The addresses of the page: `/`, its icon, and its parts, whose names change with their content, so that browsers keep them for good."""

from html import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from gemel.core.errors import UnknownError
from gemel.core.notice import NOTICE
from gemel.service.page.files import HOW, INDEX, File, files
from gemel.service.security.access import PUBLIC, needs

router = APIRouter(tags=["page"], dependencies=[needs(PUBLIC)])
FRESH = "no-cache"
FOR_GOOD = "public, max-age=31536000, immutable"


@router.get("/", include_in_schema=False)
def index(request: Request) -> Response:
    """The page; where it is not built, how to get it."""
    held = files()
    if INDEX not in held:
        return HTMLResponse(_missing(), headers={"Cache-Control": "no-store"})
    return _answer(held[INDEX], request, FRESH)


@router.get("/favicon.svg", include_in_schema=False)
def icon(request: Request) -> Response:
    """The page's icon."""
    return _answer(_require("favicon.svg"), request, FRESH)


@router.get("/assets/{name}", include_in_schema=False)
def asset(name: str, request: Request) -> Response:
    """A part of the page: a script or a style. Raises UnknownError for any other name."""
    return _answer(_require(f"assets/{name}"), request, FOR_GOOD)


def _require(name: str) -> File:
    found = files().get(name)
    if found is None:
        raise UnknownError("no such part of the page", where=name, remedy="reload the page: it was built anew")
    return found


def _answer(file: File, request: Request, keep: str) -> Response:
    headers = {"Cache-Control": keep, "Vary": "Accept-Encoding"}
    packed = bool(file.gzipped) and "gzip" in request.headers.get("accept-encoding", "")
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(file.gzipped if packed else file.content, media_type=file.media_type, headers=headers)


def _missing() -> str:
    words = escape(HOW, quote=False)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>gemel</title></head>'
        f"<body><h1>gemel is running</h1><p>{words}.</p><p>{escape(NOTICE, quote=False)}</p></body></html>"
    )
