"""The infusion twin lives from planning images to the region that an infusion reached, and bad input is refused with nothing stored."""

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
from gemel.systems.infusion.phantom import phantom
from gemel.systems.infusion.virtual import VirtualPatient, outlined, tensor
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
TRUTH = {"porosity_1": 0.25, "anisotropy_1": 1.4, "loss_1_s": 1e-5, "backflow_1": 0.2}
PATIENT = VirtualPatient(phantom(shape=16, spacing_mm=3.0, radius_mm=6.0, turned_deg=25.0), TRUTH)
OPTIONS = {"spacing_mm": 3.0}
PLAN = "5 uL/min 4 h at A"


def mri(folder: Path, t_s: float, given: tuple[Action, ...] = ()) -> Path:
    return written(folder, outlined(PATIENT, given), t_s)


def dti_of(folder: Path, change: Change = np.copy, *, unit: str = "mm2/s", cut: int = 0, spoilt: str = "xyz") -> Path:
    """The tensor as a folder; `spoilt`: the parts that are changed have letters of these alone."""
    path = folder / "dti"
    path.mkdir()
    for name, image in tensor(PATIENT).items():
        written_map(path / f"{name}.nii.gz", image, change if set(name) <= set(spoilt) else np.copy, cut)
    (path / "tensor.json").write_text(json.dumps({"Units": unit}))
    return path


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A record with the twin after planning and a decision."""
    folder = tmp_path_factory.mktemp("infusion")
    with store.open(folder / "twins.db") as record:
        twin_id = flow.new(record, "infusion", mri(folder, START_s), dti_of(folder), options=OPTIONS)
        flow.decide(record, twin_id, draws=5)
    return folder, twin_id


@pytest.fixture
def record(begun: tuple[Path, str], tmp_path: Path) -> Iterator[Store]:
    """A copy of it."""
    copied(begun[0], tmp_path)
    with store.open(tmp_path / "twins.db") as opened:
        yield opened


def test_an_infusion_is_decided_given_and_what_it_reached_learned_from(record: Store, begun: tuple[Path, str], tmp_path: Path) -> None:
    """Porosity is learned from the volume; the loop closes; the report tells all of it."""
    twin_id = begun[1]
    decided = [e for e in record.events(twin_id) if e.kind == "Decided"][-1]
    assert decided.payload["baseline"] == PLAN
    assert {"stop", PLAN} < {option["name"] for option in decided.payload["options"]}
    done = flow.act(record, twin_id, PLAN)
    given = Action(**done.payload["action"])
    assert (given.kind, given.amount, given.unit) == ("infusion 5 uL/min at A", 4.0, "h")
    with refused(record, InputError, "before an infusion had ended"):
        flow.observe(record, twin_id, mri(tmp_path, given.t_s + 3600.0, (given,)))
    flow.observe(record, twin_id, mri(tmp_path, given.t_s + 4 * 3600.0 + 60.0, (given,)))
    session = open_session(record, twin_id)
    assert session.badge == "twin"
    ln = np.log(session.twin.belief.draw(2000, np.random.default_rng(0))[1]["porosity_1"])
    assert ln.std() < 0.8 * 0.2
    assert np.quantile(ln, 0.01) < np.log(TRUTH["porosity_1"]) < np.quantile(ln, 0.99)
    text = flow.report(record, twin_id, tmp_path / "report", made_s=START_s + 1e5).read_text(encoding="utf-8")
    for word in ("Infused regions", "Infusions", "What was learned", "infusion 5 uL/min at A", "tensor along LPS: all of it"):
        assert word in text


BAD = {
    "no target": (relabelled(cleared(3.0)), "target"),
    "a target at the border": (relabelled(at_the_border(3.0)), "border"),
    "an unknown region": (renamed, "kidney"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_outlines_are_refused(case: str, record: Store, tmp_path: Path) -> None:
    spoil, match = BAD[case]
    path = mri(tmp_path, START_s + 1.0)
    spoil(path)
    with refused(record, StructureError, match):
        flow.new(record, "infusion", path, None, options=OPTIONS)


def leaning(values: np.ndarray) -> None:
    values[8, 8, 8] = 0.1


@pytest.mark.parametrize(
    ("change", "told", "error", "match"),
    [
        (negative, {}, RangeError, "negative"),
        (hundredfold, {}, RangeError, "median diffusivity"),
        (leaning, {"spoilt": "xy"}, RangeError, "not positive in 1 voxels"),
        (not_a_number, {"spoilt": "yz"}, InputError, "finite"),
        (np.copy, {"unit": "furlong"}, UnitError, "furlong"),
        (np.copy, {"cut": 6}, GeometryError, "does not cover"),
    ],
)
def test_a_bad_tensor_is_refused(change, told, error, match, record: Store, tmp_path: Path) -> None:
    with refused(record, error, match):
        flow.new(record, "infusion", mri(tmp_path, START_s + 1.0), dti_of(tmp_path, change, **told), options=OPTIONS)


@pytest.mark.parametrize("missing", ["zz", "xz"])
def test_a_tensor_that_is_not_whole_is_refused(missing: str, record: Store, tmp_path: Path) -> None:
    path = dti_of(tmp_path)
    (path / f"{missing}.nii.gz").unlink()
    with refused(record, InputError, missing):
        flow.new(record, "infusion", mri(tmp_path, START_s + 1.0), path, options=OPTIONS)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"catheter": "A:0,0,500/0,0,1"}, GeometryError, "outside brain tissue"),
        ({"catheter": "A:-17,0,0/0,0,1"}, GeometryError, "outside brain tissue"),  # in the ventricle
        ({"catheter": "A:0,0/0,0,1"}, InputError, "catheter"),
        ({"catheter": ("A:0,0,0/0,0,1", "A:1,0,0/0,0,1")}, InputError, "one name"),
        ({"spacing_mm": 9.0}, RangeError, "9 mm"),
        ({"shoe_size": 43}, InputError, "shoe_size"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], error, match: str, record: Store, tmp_path: Path) -> None:
    with refused(record, error, match):
        flow.new(record, "infusion", mri(tmp_path, START_s + 1.0), None, options=OPTIONS | options)


def test_a_plan_beyond_the_range_is_refused(record: Store, begun: tuple[Path, str]) -> None:
    with refused(record, InputError, "no plan"):
        flow.act(record, begun[1], "90 uL/min 4 h at A")
