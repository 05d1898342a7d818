"""The ledger counts what was forecast first, leaves out what was not, and stops a model whose ranks are not uniform."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from gemel import flow, store
from gemel.core.errors import ConformanceError
from gemel.flow.ledger import ENOUGH, ledger, require_trusted, rows, trust
from gemel.flow.ledger_write import write_ledger
from gemel.store import Event, Store
from tests.unit.flow.life import DRAWS, Life


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Store]:
    clock = iter(np.arange(1e6).tolist())
    with store.open(tmp_path / "twins.db", clock=lambda: next(clock)) as held:
        yield held


def begin(record: Store, twin: str, model: str = "height") -> None:
    record.append(twin, "Ingested", {"system": model}, valid_s=0.0)


def scan(record: Store, twin: str, ranks: list[float], *, late: bool = False, scanner: str = "", alarms: tuple[str, ...] = ()) -> Event:
    """One scan with its forecast, frozen before it unless `late`, the ranks of its two kinds, and a CRPS of 1, 2, …"""
    first = record.append(twin, "Forecast", {}, valid_s=1.0) if not late else None
    seen = record.append(twin, "Observed", {"scanner": scanner} if scanner else {}, valid_s=2.0)
    ahead = first or record.append(twin, "Forecast", {}, valid_s=1.0)
    kinds = {"height_mm": ranks[:1], "place_mm": ranks[1:]}
    payload = {"forecast": ahead.hash, "ranks": kinds, "crps": {k: [1.0 + i for i in range(len(v))] for k, v in kinds.items()}}
    return record.append(twin, "Assimilated", payload | {"alarms": list(alarms)}, valid_s=2.0, inputs=(seen.hash, ahead.hash))


def course(record: Store, twin: str, draw: Callable[[int], np.ndarray], scans: int = 60, model: str = "height") -> None:
    begin(record, twin, model)
    with record.together():
        for ranks in draw(scans):
            scan(record, twin, ranks.tolist())


def uniform(scans: int) -> np.ndarray:
    return np.random.default_rng(1).random((scans, 4))


def too_narrow(scans: int) -> np.ndarray:
    """Ranks of intervals of about 0.6 of their width: too many near 0 and 1."""
    return np.random.default_rng(1).beta(0.45, 0.45, (scans, 4))


def test_each_component_has_its_row(record: Store) -> None:
    begin(record, "a")
    begin(record, "b")
    scan(record, "a", [0.5, 0.2, 0.3, 0.01], alarms=("place_mm",))
    scan(record, "b", [0.97, 0.6, 0.7, 0.8])
    found = {row.component: row for row in rows(ledger(record))}
    assert set(found) == {"height_mm", "place_mm[0]", "place_mm[1]", "place_mm[2]"}
    assert [(found[n].scans, found[n].twins, found[n].covered, found[n].alarms) for n in sorted(found)] == [
        (2, 2, 0.5, 0),
        (2, 2, 1.0, 1),
        (2, 2, 1.0, 1),
        (2, 2, 0.5, 1),
    ]
    assert [found[n].crps for n in sorted(found)] == [1.0, 1.0, 2.0, 3.0]
    assert {row.of for row in found.values()} == {"height"}


def test_rows_by_patient_and_by_scanner(record: Store) -> None:
    begin(record, "a")
    begin(record, "b")
    scan(record, "a", [0.5, 0.5], scanner="linac 1")
    scan(record, "b", [0.5, 0.5], scanner="linac 1")
    scan(record, "b", [0.5, 0.5])
    held = ledger(record)
    assert [(r.of, r.component, r.scans) for r in rows(held, "patient")] == [
        ("a", "height_mm", 1),
        ("a", "place_mm", 1),
        ("b", "height_mm", 2),
        ("b", "place_mm", 2),
    ]
    assert [(r.of, r.component, r.scans, r.twins) for r in rows(held, "scanner")] == [
        ("linac 1", "height_mm", 2, 2),
        ("linac 1", "place_mm", 2, 2),
    ]


def test_a_forecast_made_after_the_scan_does_not_count(record: Store) -> None:
    begin(record, "a")
    late = scan(record, "a", [0.5, 0.5], late=True)
    held = ledger(record)
    assert held.scores == ()
    assert held.left_out == (("a", late.version, "forecast not frozen before the scan"),)


def test_a_retracted_scan_does_not_count(record: Store) -> None:
    begin(record, "a")
    scan(record, "a", [0.5, 0.5])
    wrong = scan(record, "a", [0.9, 0.9])
    record.retract(wrong.inputs[0], "another patient's scan")
    held = ledger(record)
    assert [s.rank for s in held.scores] == [0.5, 0.5]
    assert held.left_out == (("a", wrong.version, "retracted"),)


def test_a_model_with_uniform_ranks_may_decide(record: Store) -> None:
    course(record, "a", uniform)
    assert require_trusted(record, "height") == ""
    assert require_trusted(record, "never seen") == ""
    (standing,) = trust(ledger(record))
    assert standing.scans == 60
    assert standing.evidence < 1 < ENOUGH


def test_a_model_whose_ranks_are_not_uniform_may_not_decide_without_a_reason(record: Store) -> None:
    course(record, "a", too_narrow)
    course(record, "b", uniform, model="width")
    with pytest.raises(ConformanceError, match=r"not uniform .evidence .* over 60 scans.*height.*--override REASON"):
        require_trusted(record, "height")
    with pytest.raises(ConformanceError):
        require_trusted(record, "height", "  ")
    assert require_trusted(record, "height", "the scanner was repaired").endswith("): the scanner was repaired")
    assert require_trusted(record, "width") == ""


def test_few_strange_days_are_not_enough(record: Store) -> None:
    course(record, "a", too_narrow, scans=4)
    assert require_trusted(record, "height") == ""


def test_the_ledger_is_written_with_its_plots(record: Store, tmp_path: Path) -> None:
    course(record, "a", uniform, scans=8)
    written = write_ledger(ledger(record), tmp_path / "out")
    assert [p.name for p in written] == ["ledger.json", "ranks-height.png"]
    held = json.loads(written[0].read_text())
    assert len(held["scores"]) == 32
    assert held["trust"][0]["trusted"] is True
    assert written[1].read_bytes()[:4] == b"\x89PNG"


def test_the_scans_of_a_real_loop_count(lived: Store, life: Life) -> None:
    held = ledger(lived)
    assert held.left_out == ()
    assert {(s.model, s.twin) for s in held.scores} == {("prostate", life.id)}
    assert len(held.scores) == 2 * 9
    assert all(0 <= s.rank <= 1 and s.crps >= 0 for s in held.scores)


def test_a_decision_of_a_distrusted_model_needs_a_reason_that_is_recorded(lived: Store, life: Life) -> None:
    """Another twin of the same model, in the same record, whose ranks are far from uniform."""
    course(lived, "other", too_narrow, model="prostate")
    before = lived.head()
    with pytest.raises(ConformanceError, match="--override REASON"):
        flow.decide(lived, life.id, draws=DRAWS)
    assert lived.head() == before
    made = flow.decide(lived, life.id, draws=DRAWS, override="checked by hand")
    assert made.event.payload["reason"].endswith("checked by hand")
    assert "not uniform (evidence" in made.decision.reason


def versioned(record: Store, twin: str, version: str, draw: Callable[[int], np.ndarray]) -> None:
    """A course whose forecasts say which version of the model made them."""
    begin(record, twin)
    with record.together():
        for ranks in draw(60).tolist():
            ahead = record.append(twin, "Forecast", {"version": version}, valid_s=1.0)
            seen = record.append(twin, "Observed", {}, valid_s=2.0)
            payload = {"forecast": ahead.hash, "ranks": {"height_mm": ranks[:1]}, "crps": {"height_mm": [1.0]}, "alarms": []}
            record.append(twin, "Assimilated", payload, valid_s=2.0, inputs=(seen.hash, ahead.hash))


def test_a_new_version_of_a_model_is_judged_on_its_own_forecasts(record: Store) -> None:
    versioned(record, "a", "1.0", too_narrow)
    versioned(record, "b", "1.1", uniform)
    assert {(t.model, t.version, t.trusted) for t in trust(ledger(record))} == {("height", "1.0", False), ("height", "1.1", True)}
    assert require_trusted(record, "height", version="1.1") == ""
    with pytest.raises(ConformanceError, match=r"height 1\.0"):
        require_trusted(record, "height", version="1.0")
    with pytest.raises(ConformanceError, match=r"height 1\.0"):
        require_trusted(record, "height")
    assert {(row.version, row.scans) for row in rows(ledger(record))} == {("1.0", 60), ("1.1", 60)}


def test_scores_of_a_version_that_is_not_known_count_for_every_version(record: Store) -> None:
    course(record, "a", too_narrow)
    versioned(record, "b", "1.1", uniform)
    assert [(t.version, t.scans) for t in trust(ledger(record))] == [("1.1", 120)]


def test_the_standing_of_a_model_is_read_from_its_own_rows(record: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    course(record, "a", uniform, scans=5)
    course(record, "b", uniform, scans=5, model="width")
    asked: list[str | None] = []
    plain = type(record).of_kind

    def noted(self: Store, *kinds: str, twin: str | None = None) -> list[Event]:
        asked.append(twin)
        return plain(self, *kinds, twin=twin)

    monkeypatch.setattr(type(record), "of_kind", noted)
    monkeypatch.setattr(type(record), "events", lambda *_: pytest.fail("the whole record of a twin was read"))
    assert require_trusted(record, "width") == ""
    assert asked == ["b"]


def test_a_forecast_made_again_after_a_retraction_does_not_count(record: Store) -> None:
    begin(record, "a")
    ahead = record.append("a", "Forecast", {"replaces": ["0" * 64]}, valid_s=1.0)
    seen = record.append("a", "Observed", {}, valid_s=2.0)
    payload = {"forecast": ahead.hash, "ranks": {"height_mm": [0.5]}, "crps": {"height_mm": [1.0]}, "alarms": []}
    late = record.append("a", "Assimilated", payload, valid_s=2.0, inputs=(seen.hash, ahead.hash))
    assert ledger(record).left_out == (("a", late.version, "forecast made again after a retraction"),)
