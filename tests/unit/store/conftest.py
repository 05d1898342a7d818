"""A record, in a file or on a server, with a clock that ticks one second an event; every test of `store` runs over both."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

import gemel.store
from gemel.store import Store
from tests.unit.store import server as servers


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with servers.running() as address:
        yield address


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "twins.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of a record that is not there yet; its artefacts will lie beside `path`."""
    if request.param == "sqlite":
        return f"sqlite:///{path}"
    monkeypatch.chdir(path.parent)
    return servers.new_database(request.getfixturevalue("server"), f"twins_{uuid4().hex[:12]}")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    ticks = count(1000)
    with gemel.store.open(url, clock=lambda: float(next(ticks))) as opened:
        yield opened
