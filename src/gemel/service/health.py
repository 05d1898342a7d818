"""Whether it lives, whether it can work, and what the interface is."""

import json
import shutil
import time
from functools import lru_cache

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse

from gemel.service.metrics import exposition, resident_bytes
from gemel.service.security.access import PUBLIC, needs
from gemel.service.state import Held

router = APIRouter()


@router.get("/healthz", dependencies=[needs(PUBLIC)], tags=["health"])
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", dependencies=[needs(PUBLIC)], tags=["health"])
def readyz(service: Held) -> dict[str, str]:
    """The record and the accounts can be read. 503 otherwise."""
    service.store.head()
    service.guard.database.select("SELECT 1 FROM account LIMIT 1")
    return {"status": "ready"}


@router.get("/metrics", dependencies=[needs("node:read")], tags=["health"], response_class=PlainTextResponse)
def metrics(request: Request, service: Held) -> str:
    """Counts of answers, how long they took, and how the process stands, for Prometheus."""
    gauges = {
        "gemel_resident_bytes": resident_bytes(),
        "gemel_up_seconds": time.time() - service.since_s,
        "gemel_disk_free_bytes": float(shutil.disk_usage(service.settings.folder).free),
        "gemel_audit_rows": float(service.audit.head()[0]),
    }
    return exposition(request.app.state.metrics, gauges)


@router.get("/openapi.json", dependencies=[needs(PUBLIC)], include_in_schema=False)
def openapi(request: Request) -> Response:
    """The description of the interface (OpenAPI 3.1)."""
    return Response(described(request.app), media_type="application/json")


@lru_cache(maxsize=1)
def described(app: FastAPI) -> bytes:
    """The description as it is sent: who asks for it again and again gets the same bytes."""
    return json.dumps(app.openapi(), separators=(",", ":")).encode()
