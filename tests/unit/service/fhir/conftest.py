"""The service with its FHIR routes over the system in miniature, as the tests of the API have it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel.service.app import create_app
from gemel.service.settings import Settings
from tests.unit.service.api.conftest import in_here, lived_tower, tower, twin
from tests.unit.service.entered import entered

__all__ = ["app", "client", "lived_tower", "tower", "twin"]
PARTS = ("gemel.service.health", "gemel.service.security.routes", "gemel.service.api", "gemel.service.fhir")


@pytest.fixture
def app(twin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setattr("gemel.service.app.ROUTERS", PARTS)
    monkeypatch.setattr("gemel.service.jobs.running.children", in_here)
    monkeypatch.setattr("gemel.service.api.reading.children", in_here)
    return create_app(Settings(store=str(tmp_path / "tower" / "heights.db"), folder=tmp_path / "service"))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Somebody who may do everything."""
    with entered(app, "ada") as client:
        yield client
