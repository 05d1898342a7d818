"""A record in a temporary folder, with a clock that ticks one second an event."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

import gemel.store
from gemel.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "twins.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    ticks = count(1000)
    with gemel.store.open(f"sqlite:///{path}", clock=lambda: float(next(ticks))) as opened:
        yield opened
