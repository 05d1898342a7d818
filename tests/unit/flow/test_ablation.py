"""The ablation twin lives from planning images to the zone of an application, and bad input is refused with nothing stored."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gemel import flow, store
from gemel.core.errors import GeometryError, InputError, RangeError, StructureError, UnitError
from gemel.core.record import Action
from gemel.core.time import seconds
from gemel.flow.session import open_session
from gemel.store import Store
from gemel.systems.ablation.phantom import phantom
from gemel.systems.ablation.virtual import VirtualPatient, fat_image, outlined
from tests.unit.flow.segmented import (
    Change,
    at_the_border,
    cleared,
    copied,
    hundredfold,
    negative,
    not_a_number,
    relabelled,
    renamed,
    written,
    written_map,
)
from tests.unit.flow.test_bad_input import refused

START_s = seconds("2026-03-02T09:00:00")
TRUTH = {"perfusion_1_s": 0.03, "tumour_perfusion_1": 0.8, "conductivity_1": 0.95, "efficiency_1": 0.5, "length_mm": 10.0}
PATIENT = VirtualPatient(phantom(shape=20, spacing_mm=4.0, radius_mm=9.0, fat_1=0.2, away_mm=32.0), TRUTH)
OPTIONS = {"spacing_mm": 4.0}
PLAN = "60 W 10 min at A"


def mri(folder: Path, t_s: float, given: tuple[Action, ...] = ()) -> Path:
    return written(folder, outlined(PATIENT, given), t_s)


def fat_of(folder: Path, change: Change = np.copy, *, unit: str = "1", cut: int = 0) -> Path:
    (folder / "fat.json").write_text(json.dumps({"Units": unit}))
    return written_map(folder / "fat.nii.gz", fat_image(PATIENT), change, cut)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A record with the twin after planning and a decision."""
    folder = tmp_path_factory.mktemp("ablation")
    with store.open(folder / "twins.db") as record:
        twin_id = flow.new(record, "ablation", mri(folder, START_s), fat_of(folder), options=OPTIONS)
        flow.decide(record, twin_id, draws=10)
    return folder, twin_id


@pytest.fixture
def record(begun: tuple[Path, str], tmp_path: Path) -> Iterator[Store]:
    """A copy of it."""
    copied(begun[0], tmp_path)
    with store.open(tmp_path / "twins.db") as opened:
        yield opened


def test_an_application_is_decided_given_and_its_zone_learned_from(record: Store, begun: tuple[Path, str], tmp_path: Path) -> None:
    """Efficiency over perfusion is learned; the loop closes; the report tells all of it."""
    twin_id = begun[1]
    decided = [e for e in record.events(twin_id) if e.kind == "Decided"][-1]
    assert decided.payload["baseline"] == PLAN
    assert {"stop", PLAN} < {option["name"] for option in decided.payload["options"]}
    done = flow.act(record, twin_id, PLAN)
    given = Action(**done.payload["action"])
    assert (given.kind, given.amount, given.unit) == ("microwave 60 W at A", 10.0, "min")
    flow.observe(record, twin_id, mri(tmp_path, given.t_s + 3600.0, (given,)))
    session = open_session(record, twin_id)
    assert session.badge == "twin"
    draws = session.twin.belief.draw(2000, np.random.default_rng(0))[1]
    ln = np.log(draws["efficiency_1"]) - 0.4 * np.log(draws["perfusion_1_s"])
    assert ln.std() < 0.85 * np.hypot(0.15, 0.4 * 0.4)
    assert np.quantile(ln, 0.01) < np.log(TRUTH["efficiency_1"]) - 0.4 * np.log(TRUTH["perfusion_1_s"]) < np.quantile(ln, 0.99)
    text = flow.report(record, twin_id, tmp_path / "report", made_s=START_s + 1e5).read_text(encoding="utf-8")
    for word in ("Ablated zones", "Applications", "What was learned", "microwave 60 W at A", "share of fat"):
        assert word in text


BAD = {
    "no tumour": (relabelled(cleared(2.0)), "tumour"),
    "a tumour at the border": (relabelled(at_the_border(2.0)), "border"),
    "an unknown region": (renamed, "kidney"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_outlines_are_refused(case: str, record: Store, tmp_path: Path) -> None:
    spoil, match = BAD[case]
    path = mri(tmp_path, START_s + 1.0)
    spoil(path)
    with refused(record, StructureError, match):
        flow.new(record, "ablation", path, None, options=OPTIONS)


@pytest.mark.parametrize(
    ("change", "told", "error", "match"),
    [
        (negative, {}, RangeError, "negative"),
        (hundredfold, {}, RangeError, "share of fat of"),
        (not_a_number, {}, InputError, "finite"),
        (np.copy, {"unit": "furlong"}, UnitError, "furlong"),
        (np.copy, {"cut": 6}, GeometryError, "does not cover"),
    ],
)
def test_a_bad_map_of_fat_is_refused(change, told, error, match, record: Store, tmp_path: Path) -> None:
    with refused(record, error, match):
        flow.new(record, "ablation", mri(tmp_path, START_s + 1.0), fat_of(tmp_path, change, **told), options=OPTIONS)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"antenna": "A:0,0,500/0,0,1"}, GeometryError, "outside the organ"),
        ({"antenna": "A:0,0/0,0,1"}, InputError, "antenna"),
        ({"antenna": ("A:0,0,0/0,0,1", "A:1,0,0/0,0,1")}, InputError, "one name"),
        ({"MHz": 433}, RangeError, "433"),
        ({"spacing_mm": 9.0}, RangeError, "9 mm"),
        ({"shoe_size": 43}, InputError, "shoe_size"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], error, match: str, record: Store, tmp_path: Path) -> None:
    with refused(record, error, match):
        flow.new(record, "ablation", mri(tmp_path, START_s + 1.0), None, options=OPTIONS | options)


def test_a_zone_before_any_application_or_an_empty_plan_is_refused(record: Store, begun: tuple[Path, str], tmp_path: Path) -> None:
    early = mri(tmp_path, START_s + 7200.0, (Action("microwave 60 W at A", START_s, 5.0, "min", "x"),))
    with refused(record, InputError, "before anything was applied"):
        flow.observe(record, begun[1], early)
    with refused(record, InputError, "no plan"):
        flow.act(record, begun[1], "900 W 10 min at A")
