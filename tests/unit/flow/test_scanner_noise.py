"""A patient's errors widen by the noise that the scanner's own twin believes in (test_scanner.py), on that scanner alone."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from gemel import flow, store
from gemel.core.errors import StoreError
from gemel.core.record import Observation
from gemel.devices.ct.twin.system import SYSTEM
from gemel.flow.scanner_noise import ScannerNoise, scanner_noise, widened
from gemel.flow.session import open_session
from gemel.store import Store
from tests.unit.flow import heights

WORN = ScannerNoise("ct_scanner-1", "0" * 64, 1.25)


@pytest.fixture
def tower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    heights.installed(monkeypatch)
    heights.write_files(tmp_path)
    observing = sys.modules[flow.observe.__module__]
    monkeypatch.setattr(observing, "scanner_noise", lambda store, scanner, t_s: WORN if scanner == "gemel gemel CT1" else None)
    return store.open(str(tmp_path / "twins.db"))


def scanned_on(folder: Path, station: str, day: int) -> Path:
    """A scan of the miniature patient from a machine."""
    for path in (folder / f"day_{day}").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.StationName = station
        dataset.save_as(path)
    return folder / f"day_{day}"


def test_the_error_of_a_scan_widens_with_its_scanner(tower: Store, tmp_path: Path) -> None:
    twin = heights.begun(tower, tmp_path, prepare=False)
    for day, station in ((1, "CT1"), (2, "CT2")):
        flow.observe(tower, twin, scanned_on(tmp_path, station, day))
    on_worn, on_other = (e.payload for e in tower.events(twin) if e.kind == "Observed")
    assert on_worn["scanner_noise"] == {"twin": "ct_scanner-1", "event": "0" * 64, "factor": 1.25}
    assert on_worn["observations"][0]["sd"] == [0.625]
    assert "scanner_noise" not in on_other
    assert on_other["observations"][0]["sd"] == [0.5]
    assert [float(o.sd[0]) for o in open_session(tower, twin).twin.record if isinstance(o, Observation)] == [0.625, 0.5]
    assert flow.replay(tower, twin).identical


def test_a_better_scanner_narrows_nothing() -> None:
    one = Observation("height_mm", 0.0, np.array([1.0]), np.array([0.5]), "scan")
    assert widened([one], replace(WORN, factor=0.8))[0].sd == 0.5
    assert widened([one], WORN)[0].sd == pytest.approx(0.625)
    assert widened([one], None)[0].sd == 0.5


def test_an_erased_scanner_says_nothing(tmp_path: Path) -> None:
    with store.open(str(tmp_path / "twins.db")) as record:
        record.append("machine", "Ingested", {"system": SYSTEM.name, "case": "0" * 64}, valid_s=1.0)
        with pytest.raises(StoreError):
            scanner_noise(record, "gemel gemel CT1", 2.0)
        store.erase(record, "machine", "a test")
        assert scanner_noise(record, "gemel gemel CT1", 2.0) is None
