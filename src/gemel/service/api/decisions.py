"""The newest decision, the plans that may be given, the ledger and the provenance of one twin."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from gemel.flow.options import Comparison
from gemel.service.api.answers.decisions import Graph, Plans
from gemel.service.api.answers.evidence import TwinLedger
from gemel.service.api.asked import At, TwinId, answered
from gemel.service.security.access import needs

router = APIRouter(tags=["decisions"])
LOOK = [needs("twins:read", patient="twin_id")]


@router.get("/api/twins/{twin_id}/decision", response_model=Comparison | None, dependencies=LOOK)
async def decision(request: Request, twin_id: TwinId, at: At) -> Response:
    """The newest decision that counts: options side by side, what binds, why; null before one."""
    return await answered(request, "decision", twin_id, at)


@router.get("/api/twins/{twin_id}/plans", response_model=Plans, dependencies=LOOK)
async def plans(request: Request, twin_id: TwinId, at: At) -> Response:
    """Names that `act` accepts."""
    return await answered(request, "plans", twin_id, at)


@router.get("/api/twins/{twin_id}/ledger", response_model=TwinLedger, dependencies=LOOK)
async def ledger(request: Request, twin_id: TwinId, at: At) -> Response:
    """Each scan within the forecast that was frozen before it."""
    return await answered(request, "twin_ledger", twin_id, at)


@router.get("/api/twins/{twin_id}/provenance", response_model=Graph, dependencies=LOOK)
async def provenance(
    request: Request,
    twin_id: TwinId,
    event: Annotated[str, Query(max_length=64, pattern="^[0-9a-fA-F]*$", description="An entry, by version or hash.")] = "",
) -> Response:
    """All that the twin, or one of its entries, rests on, back to the images."""
    return await answered(request, "provenance", twin_id, {}, **({"event": event} if event else {}))
