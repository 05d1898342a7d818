"""The report of a twin, to be kept: a file, which a browser does not open in our place."""

from fastapi import APIRouter, Request, Response

from gemel.service.api.asked import TwinId, answered
from gemel.service.security.access import needs

router = APIRouter(tags=["pictures"])
HTML = "text/html; charset=utf-8"


@router.get(
    "/api/twins/{twin_id}/report",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}, "description": "One page with its pictures inside; it loads nothing."}},
    dependencies=[needs("images:read", patient="twin_id")],
)
async def report(request: Request, twin_id: TwinId) -> Response:
    """The report of the twin as it is now, as a file to keep: decision, pictures, forecasts against what came, model card."""
    found = await answered(request, "report", twin_id, {})
    if found.status_code == 200:
        found.headers["Content-Type"] = HTML
        found.headers["Content-Disposition"] = 'attachment; filename="report.html"'
    return found
