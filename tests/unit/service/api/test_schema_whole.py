"""Every address that `test_schema` leaves: DICOMweb, FHIR, work items, accounts, audit, sign-in. No 5xx, refusals in words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel.service.app import create_app
from gemel.service.settings import Settings
from tests.unit.service.api import test_schema
from tests.unit.service.api.conftest import in_here
from tests.unit.service.api.test_schema import FEW, MANY, attacked
from tests.unit.service.entered import entered

pytestmark = test_schema.pytestmark
ENDS = ("DELETE /api/session", "DELETE /api/users/{name}", "POST /api/session")
"""What ends the caller's own session: asked for last."""
ENDLESS = "/api/events"
"""A stream that lasts as long as its reader; tests/hostile/http_attacks.py begins hundreds."""


@pytest.fixture
def whole(twin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The application with all of its parts."""
    monkeypatch.setattr("gemel.service.jobs.running.children", in_here)
    monkeypatch.setattr("gemel.service.api.reading.children", in_here)
    return create_app(Settings(store=str(tmp_path / "tower" / "heights.db"), folder=tmp_path / "service"))


@pytest.fixture
def caller(whole: FastAPI) -> Iterator[TestClient]:
    with entered(whole, "ada") as client:
        yield client


def others(client: TestClient) -> list[Any]:
    """Operations that `test_schema` leaves, those that end the session last."""
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    found = [one.ok() for one in schema.get_all_operations()]
    left = [one for one in found if not one.path.startswith(test_schema.MINE) and one.path != ENDLESS]
    return sorted(left, key=lambda one: one.label in ENDS)


def test_no_request_makes_any_part_fail(caller: TestClient, twin: str) -> None:
    """A sample: every seventh operation, a few requests each."""
    found = others(caller)
    assert len(found) >= 40
    for operation in found[::7]:
        attacked(caller, twin, operation, FEW)


@pytest.mark.full
@pytest.mark.parametrize("piece", range(4))
def test_no_request_makes_any_part_fail_however_many(caller: TestClient, twin: str, piece: int) -> None:
    for operation in others(caller)[piece::4]:
        attacked(caller, twin, operation, MANY)
