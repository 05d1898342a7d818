"""A service over the record of a system in miniature; what children compute is computed here, so that the system need not be installed."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel import store as stores
from gemel.service.app import create_app
from gemel.service.jobs import Ask, Place, here
from gemel.service.settings import Settings
from gemel.store import Store
from tests.unit.flow import heights
from tests.unit.service.entered import entered

PARTS = ("gemel.service.health", "gemel.service.security.routes", "gemel.service.api")
"""Of the application: the others have tests of their own."""


def in_here(place: Place, count: int) -> list[Ask]:
    return [here(place) for _ in range(count)]


@pytest.fixture(scope="session")
def lived_tower(files: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A record whose one twin lived for two days, and the twin; made once, to be copied."""
    folder, ticks = tmp_path_factory.mktemp("tower"), count(1_772_900_000)
    with pytest.MonkeyPatch.context() as patch:
        heights.installed(patch)
        with stores.open(folder / "heights.db", clock=lambda: float(next(ticks))) as record:
            made = heights.begun(record, files)
            heights.live(record, made, files, (1, 2))
    return folder, made


@pytest.fixture
def twin(lived_tower: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The twin, in a record of the test's own; the only system is the height."""
    heights.installed(monkeypatch)
    shutil.copytree(lived_tower[0], tmp_path / "tower")
    return lived_tower[1]


@pytest.fixture
def tower(twin: str, tmp_path: Path) -> Iterator[Store]:
    """The record, in which a second passes between events."""
    ticks = count(1_772_910_000)
    with stores.open(tmp_path / "tower" / "heights.db", clock=lambda: float(next(ticks))) as opened:
        yield opened


@pytest.fixture
def parts() -> tuple[str, ...]:
    return PARTS


@pytest.fixture
def app(parts: tuple[str, ...], twin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setattr("gemel.service.app.ROUTERS", parts)
    monkeypatch.setattr("gemel.service.jobs.running.children", in_here)
    monkeypatch.setattr("gemel.service.api.reading.children", in_here)
    return create_app(Settings(store=str(tmp_path / "tower" / "heights.db"), folder=tmp_path / "service"))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Somebody who may do everything."""
    with entered(app, "ada") as client:
        yield client
