"""The infusion twin lives from planning images to the region that an infusion reached, and bad input is refused with nothing stored."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from gemel import flow, io, store
from gemel.core.errors import GeometryError, InputError, RangeError, StructureError, UnitError
from gemel.core.image import Image
from gemel.core.record import Action
from gemel.core.time import iso, seconds
from gemel.flow.session import open_session
from gemel.store import Store
from gemel.systems.infusion.phantom import phantom
from gemel.systems.infusion.virtual import VirtualPatient, labels_of, outlined, tensor
from tests.unit.flow.test_bad_input import refused

START_s = seconds("2026-03-02T09:00:00")
TRUTH = {"porosity_1": 0.25, "anisotropy_1": 1.4, "loss_1_s": 1e-5, "backflow_1": 0.2}
PATIENT = VirtualPatient(phantom(shape=16, spacing_mm=3.0, radius_mm=6.0), TRUTH)
OPTIONS = {"spacing_mm": 3.0}
PLAN = "5 uL/min 4 h at A"
Spoil = Callable[[Path], object]


def beside(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".nii.gz") + ".json")


def written(folder: Path, t_s: float, given: tuple[Action, ...] = ()) -> Path:
    regions = outlined(PATIENT, given)
    labels, names = labels_of(regions)
    path = folder / f"mri_{int(t_s)}.nii.gz"
    io.write_nifti(path, Image(labels, regions.grid.affine_mm))
    beside(path).write_text(json.dumps({"AcquisitionDateTime": iso(t_s), "PatientID": "P", "labels": names}))
    return path


def dti_of(folder: Path, unit: str = "mm2/s", change: Callable[[np.ndarray], object] = np.copy, cut: int = 0) -> Path:
    path = folder / "dti"
    path.mkdir()
    for axis, image in tensor(PATIENT).items():
        values = np.array(image.array)
        change(values)
        io.write_nifti(path / f"{axis}.nii.gz", Image(values[: values.shape[0] - cut], image.affine_mm))
    (path / "tensor.json").write_text(json.dumps({"Units": unit}))
    return path


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A record with the twin after planning and a decision."""
    folder = tmp_path_factory.mktemp("infusion")
    with store.open(folder / "twins.db") as record:
        twin_id = flow.new(record, "infusion", written(folder, START_s), dti_of(folder), options=OPTIONS)
        flow.decide(record, twin_id, draws=5)
    return folder, twin_id


@pytest.fixture
def record(begun: tuple[Path, str], tmp_path: Path) -> Iterator[Store]:
    """A copy of it."""
    shutil.copytree(begun[0] / "twins.db.artefacts", tmp_path / "twins.db.artefacts")
    shutil.copy(begun[0] / "twins.db", tmp_path / "twins.db")
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
        flow.observe(record, twin_id, written(tmp_path, given.t_s + 3600.0, (given,)))
    flow.observe(record, twin_id, written(tmp_path, given.t_s + 4 * 3600.0 + 60.0, (given,)))
    session = open_session(record, twin_id)
    assert session.badge == "twin"
    ln = np.log(session.twin.belief.draw(2000, np.random.default_rng(0))[1]["porosity_1"])
    assert ln.std() < 0.8 * 0.2
    assert np.quantile(ln, 0.01) < np.log(TRUTH["porosity_1"]) < np.quantile(ln, 0.99)
    text = flow.report(record, twin_id, tmp_path / "report", made_s=START_s + 1e5).read_text(encoding="utf-8")
    for word in ("Infused regions", "Infusions", "What was learned", "infusion 5 uL/min at A", "tensor along LPS"):
        assert word in text


def relabelled(change: Callable[[np.ndarray], object]) -> Spoil:
    def spoil(path: Path) -> None:
        image = io.read_nifti(path)
        labels = np.array(image.array)
        change(labels)
        io.write_nifti(path, Image(labels, image.affine_mm))

    return spoil


def cleared(labels: np.ndarray) -> None:
    labels[labels == 3.0] = 1.0


def at_the_border(labels: np.ndarray) -> None:
    labels[0, 8, 8] = 3.0


def renamed(path: Path) -> None:
    held = json.loads(beside(path).read_text())
    beside(path).write_text(json.dumps(held | {"labels": {**held["labels"], "2": "kidney"}}))


BAD = {
    "no target": (relabelled(cleared), "target"),
    "a target at the border": (relabelled(at_the_border), "border"),
    "an unknown region": (renamed, "kidney"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_outlines_are_refused(case: str, record: Store, tmp_path: Path) -> None:
    spoil, match = BAD[case]
    path = written(tmp_path, START_s + 1.0)
    spoil(path)
    with refused(record, StructureError, match):
        flow.new(record, "infusion", path, None, options=OPTIONS)


def negative(values: np.ndarray) -> None:
    values[3, 3, 3] = -0.1


def hundredfold(values: np.ndarray) -> None:
    values *= 100.0


@pytest.mark.parametrize(
    ("unit", "change", "cut", "error", "match"),
    [
        ("mm2/s", negative, 0, RangeError, "negative"),
        ("mm2/s", hundredfold, 0, RangeError, "median diffusivity"),
        ("furlong", np.copy, 0, UnitError, "furlong"),
        ("mm2/s", np.copy, 6, GeometryError, "does not cover"),
    ],
)
def test_a_bad_tensor_is_refused(unit, change, cut, error, match, record: Store, tmp_path: Path) -> None:
    with refused(record, error, match):
        flow.new(record, "infusion", written(tmp_path, START_s + 1.0), dti_of(tmp_path, unit, change, cut), options=OPTIONS)


def test_a_tensor_that_is_not_whole_is_refused(record: Store, tmp_path: Path) -> None:
    path = dti_of(tmp_path)
    (path / "zz.nii.gz").unlink()
    with refused(record, InputError, "zz"):
        flow.new(record, "infusion", written(tmp_path, START_s + 1.0), path, options=OPTIONS)


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
        flow.new(record, "infusion", written(tmp_path, START_s + 1.0), None, options=OPTIONS | options)


def test_a_plan_beyond_the_range_is_refused(record: Store, begun: tuple[Path, str]) -> None:
    with refused(record, InputError, "no plan"):
        flow.act(record, begun[1], "90 uL/min 4 h at A")
