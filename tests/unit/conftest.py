"""A made-up patient who lives through the whole loop once, small and coarse, and copies of his record at each stage of it."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from gemel import store as stores
from gemel.store import Store
from tests.unit.flow import heights
from tests.unit.flow import life as lives
from tests.unit.flow.life import Life, Remembered


@pytest.fixture(scope="session")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Planning data, two CBCTs, and the record after `new`, after `prepare` and after two days; made once a session."""
    with pytest.MonkeyPatch.context() as patch:
        lives.make_quick(patch)
        return lives.live(tmp_path_factory.mktemp("life"), Remembered(patch))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, life: Life) -> None:
    """Registrations that were made once are not made again."""
    life.remembered.install(monkeypatch)


@pytest.fixture
def begun(life: Life, tmp_path: Path) -> Iterator[Store]:
    """A record of its own, after `new`."""
    with lives.copied(life, "begun", tmp_path) as store:
        yield store


@pytest.fixture
def prepared(life: Life, tmp_path: Path) -> Iterator[Store]:
    """A record of its own, after `prepare`."""
    with lives.copied(life, "prepared", tmp_path) as store:
        yield store


@pytest.fixture
def lived(life: Life, tmp_path: Path) -> Iterator[Store]:
    """A record of its own, after two days."""
    with lives.copied(life, "lived", tmp_path) as store:
        yield store


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A planning image and four days of the system in miniature."""
    folder = tmp_path_factory.mktemp("heights")
    heights.write_files(folder)
    return folder


@pytest.fixture
def tower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty record, in which a second passes between events; the only system is the height."""
    heights.installed(monkeypatch)
    ticks = count(1_772_900_000)
    with stores.open(tmp_path / "heights.db", clock=lambda: float(next(ticks))) as opened:
        yield opened
