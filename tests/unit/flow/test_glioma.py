"""The glioma twin lives from segmented MRI to the next week of radiotherapy, and bad input is refused with nothing stored."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gemel import flow, io, store
from gemel.cli import app
from gemel.core.errors import GeometryError, InputError, RangeError, StructureError
from gemel.core.image import Image
from gemel.core.record import Action
from gemel.core.system import System
from gemel.core.time import DAY_S, iso, seconds
from gemel.flow import registry
from gemel.flow.session import open_session
from gemel.store import Store
from gemel.systems.glioma.events import Setting
from gemel.systems.glioma.system import SYSTEM
from gemel.systems.glioma.virtual import VirtualPatient, labels_of, outlined, volumes_mL
from tests.unit.flow.test_bad_input import refused

START_s = seconds("2026-03-02T09:00:00")
TRUTH = {"rho_1_d": 0.04, "capacity_mL": 180.0, "alpha_1_Gy": 0.06, "drug_kill_1": 0.03, "clearance_1_d": 0.03}
TRUTH |= {"burden_mL": 15.0, "flair_ratio_1": 3.0}
PATIENT = VirtualPatient({name: np.array([value]) for name, value in TRUTH.items()}, START_s - DAY_S, Setting())
DRAWS = 60
Spoil = Callable[[Path], object]


@pytest.fixture(autouse=True, scope="module")
def installed() -> Iterator[None]:
    """The system by its name, also where the package was installed before it had one."""
    known = registry.system

    def system(name: str) -> System:
        return SYSTEM if name == "glioma" else known(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "system", system)
        yield


def beside(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".nii.gz") + ".json")


def written(folder: Path, t_s: float, given: tuple[Action, ...] = ()) -> Path:
    """One visit as a label map with its sidecar."""
    regions = outlined(PATIENT, given, t_s, np.random.default_rng(int(t_s) % 997))
    labels, names = labels_of(regions)
    path = folder / f"mri_{iso(t_s)[:10]}.nii.gz"
    io.write_nifti(path, Image(labels, regions.grid.affine_mm))
    beside(path).write_text(json.dumps({"AcquisitionDateTime": iso(t_s), "PatientID": "P", "labels": names}))
    return path


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A record with the twin after two visits and a decision."""
    folder = tmp_path_factory.mktemp("glioma")
    visits = [written(folder, START_s), written(folder, START_s + 14 * DAY_S)]
    with store.open(folder / "twins.db") as record:
        twin_id = flow.new(record, "glioma", visits, None, options={"radiotherapy": "2026-03-23T09:00:00"})
        flow.decide(record, twin_id, draws=DRAWS)
    return folder, twin_id


@pytest.fixture
def record(begun: tuple[Path, str], tmp_path: Path) -> Iterator[Store]:
    """A copy of it."""
    shutil.copytree(begun[0] / "twins.db.artefacts", tmp_path / "twins.db.artefacts")
    shutil.copy(begun[0] / "twins.db", tmp_path / "twins.db")
    with store.open(tmp_path / "twins.db") as opened:
        yield opened


def test_volumes_are_seen_within_their_error(record: Store, begun: tuple[Path, str]) -> None:
    rows = [row for e in record.events(begun[1]) if e.kind == "Observed" for row in e.payload["observations"]]
    assert len(rows) == 4
    for row in rows:
        name = "enhancing" if "enhancing" in row["kind"] else "flair"
        assert abs(row["value"][0] - np.log(volumes_mL(PATIENT, (), row["t_s"])[name])) < 3 * row["sd"][0]


def test_a_week_is_decided_given_and_its_answer_learned(record: Store, begun: tuple[Path, str], tmp_path: Path) -> None:
    """The usual course is among the choices, all of them keep six weeks, and radiosensitivity is learned from the answer."""
    twin_id = begun[1]
    decided = [e for e in record.events(twin_id) if e.kind == "Decided"][-1]
    assert decided.payload["baseline"] == "5 x 2/2/2/2/2/2 Gy"
    assert {len(option["name"].split("/")) for option in decided.payload["options"]} == {6}
    given: list[Action] = []
    for week in range(3):
        done = flow.act(record, twin_id, "5 x 2/2/2/2/2/2 Gy" if week == 0 else decided.payload["baseline"])
        given.append(Action(**done.payload["action"]))
        assert (given[-1].amount, given[-1].t_s) == (10.0, seconds("2026-03-23T09:00:00") + 7 * week * DAY_S)
        flow.observe(record, twin_id, written(tmp_path, given[-1].t_s + 5 * DAY_S, tuple(given)))
        decided = flow.decide(record, twin_id, draws=DRAWS).event
        assert decided.payload["baseline"].count("/") == 4 - week
    flow.observe(record, twin_id, written(tmp_path, given[-1].t_s + 60 * DAY_S, tuple(given)))  # when the dead are mostly cleared
    session = open_session(record, twin_id)
    alpha = session.twin.belief.draw(2000, np.random.default_rng(0))[1]["alpha_1_Gy"]
    assert np.log(alpha).std() < 0.35  # 0.73 in the population
    assert np.quantile(alpha, 0.01) < TRUTH["alpha_1_Gy"] < np.quantile(alpha, 0.99)
    assert session.badge == "twin"


@pytest.mark.parametrize("amount", [500.0, 100.1])
def test_an_amount_that_the_model_refuses_is_not_stored(record: Store, begun: tuple[Path, str], amount: float) -> None:
    before = record.events(begun[1])
    with pytest.raises(InputError, match="radiotherapy week") as told:
        flow.act(record, begun[1], "5 x 2/2/2/2/2/2 Gy", amount=amount)
    assert "0 to 100" in told.value.remedy
    assert record.events(begun[1]) == before
    assert open_session(record, begun[1]).badge == "shadow"


def test_the_report_shows_volumes_schedules_and_what_was_learned(record: Store, begun: tuple[Path, str], tmp_path: Path) -> None:
    text = flow.report(record, begun[1], tmp_path / "report", made_s=START_s + 60 * DAY_S).read_text(encoding="utf-8")
    for word in ("Volumes", "Schedules", "What was learned", "not informed", "5 x 2/2/2/2/2/2 Gy", "capacity_mL"):
        assert word in text


def relabelled(change: Callable[[np.ndarray], object]) -> Spoil:
    """Another label map."""

    def spoil(path: Path) -> None:
        image = io.read_nifti(path)
        labels = np.array(image.array)
        change(labels)
        io.write_nifti(path, Image(labels, image.affine_mm))

    return spoil


def told(**fields: object) -> Spoil:
    """Other fields in the sidecar; None takes one away."""

    def spoil(path: Path) -> None:
        held = json.loads(beside(path).read_text()) | fields
        beside(path).write_text(json.dumps({k: v for k, v in held.items() if v is not None}))

    return spoil


def without_a_rim(labels: np.ndarray) -> None:
    """Necrosis (1) and oedema (3) alone."""
    labels[labels == 2] = 0


def cleared(labels: np.ndarray) -> None:
    labels[labels > 0] = 0


def at_the_border(labels: np.ndarray) -> None:
    labels[0, 40, 30] = labels.max()


def odd(labels: np.ndarray) -> None:
    labels[10, 10, 10] = 7


def halves(labels: np.ndarray) -> None:
    labels *= 0.3


BAD = {
    "an empty mask": (relabelled(cleared), StructureError, "empty"),
    "necrosis without a rim": (relabelled(without_a_rim), StructureError, "no enhancing"),
    "two regions of one name": (told(labels={"1": "enhancing", "2": "enhancing", "3": "oedema"}), StructureError, "two regions"),
    "a mask at the border": (relabelled(at_the_border), StructureError, "border"),
    "a label without a name": (relabelled(odd), StructureError, "label 7"),
    "values that are no labels": (relabelled(halves), InputError, "no labels"),
    "no time": (told(AcquisitionDateTime=None), InputError, "AcquisitionDateTime"),
    "a region of an unknown name": (told(labels={"1": "necrosis", "2": "enhancing", "3": "liver"}), StructureError, "liver"),
    "no sidecar": (lambda path: beside(path).unlink(), InputError, "sidecar"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_visit_is_refused(case: str, record: Store, begun: tuple[Path, str], tmp_path: Path) -> None:
    spoil, error, match = BAD[case]
    path = written(tmp_path, START_s + 30 * DAY_S)
    spoil(path)
    with refused(record, error, match):
        flow.observe(record, begun[1], path)
    with refused(record, error, match):
        flow.new(record, "glioma", path, None)


def test_another_patient_is_refused(record: Store, begun: tuple[Path, str], tmp_path: Path) -> None:
    path = written(tmp_path, START_s + 30 * DAY_S)
    told(PatientID="Q")(path)
    with refused(record, InputError, "PatientID"):
        flow.observe(record, begun[1], path)


def test_visits_on_one_day_or_out_of_order_are_refused(record: Store, begun: tuple[Path, str], tmp_path: Path) -> None:
    again = written(tmp_path, START_s + 14 * DAY_S + 3600.0)
    with refused(record, InputError, "one day"):
        flow.observe(record, begun[1], again)
    first, later = written(tmp_path, START_s), written(tmp_path, START_s + 20 * DAY_S)
    with refused(record, InputError, "out of order"):
        flow.new(record, "glioma", [later, first], None)
    same = written(tmp_path, START_s + 7200.0)
    shutil.copy(beside(same), beside(first).with_name("other.json"))
    with refused(record, InputError, "one day"):
        flow.new(record, "glioma", [written(tmp_path / "..", START_s), same], None)


def dosed(tmp_path: Path, change: Callable[[np.ndarray], object], move_mm: float = 0.0) -> Path:
    visit = io.read_nifti(written(tmp_path, START_s))
    Gy = np.full(visit.shape, 60.0, dtype=np.float32)
    change(Gy)
    affine_mm = visit.affine_mm.copy()
    affine_mm[0, 3] += move_mm
    io.write_nifti(tmp_path / "dose.nii.gz", Image(Gy, affine_mm))
    return tmp_path / "dose.nii.gz"


def negative(Gy: np.ndarray) -> None:
    Gy[3, 3, 3] = -1.0


def zero(Gy: np.ndarray) -> None:
    Gy *= 0.0


def cut_off(Gy: np.ndarray) -> None:
    Gy[: Gy.shape[0] // 2 + 3] = 0.0


def in_cGy(Gy: np.ndarray) -> None:
    Gy *= 100.0


@pytest.mark.parametrize(
    ("change", "move_mm", "error", "match"),
    [
        (negative, 0.0, RangeError, "negative"),
        (zero, 0.0, RangeError, "zero in 100%"),
        (cut_off, 0.0, RangeError, r"zero in \d\d% of the tumour"),
        (in_cGy, 0.0, RangeError, "6000 Gy"),
        (np.copy, 120.0, StructureError, "does not cover"),
    ],
)
def test_a_bad_dose_is_refused(change, move_mm, error, match, record: Store, tmp_path: Path) -> None:
    with refused(record, error, match):
        flow.new(record, "glioma", written(tmp_path, START_s + DAY_S), dosed(tmp_path, change, move_mm))


def test_a_dose_of_another_frame_is_refused(record: Store, tmp_path: Path) -> None:
    path = written(tmp_path, START_s)
    told(FrameOfReferenceUID="1.2.3")(path)
    visit = io.read_visit(path)
    dose = Image(np.full(visit.structures.grid.shape, 60.0, dtype=np.float32), visit.structures.grid.affine_mm, "1.2.4")
    io.write_dose(tmp_path / "dose.dcm", dose, io.Identity("P", frame_uid="1.2.4"))
    with refused(record, GeometryError, "another frame|frame 1.2.4|of frame"):
        flow.new(record, "glioma", path, tmp_path / "dose.dcm")


def test_a_dose_that_leaves_part_of_the_tumour_cold_is_noted(record: Store, tmp_path: Path) -> None:
    def cold(Gy: np.ndarray) -> None:
        Gy[: Gy.shape[0] // 2 + 3] = 10.0

    twin_id = flow.new(record, "glioma", written(tmp_path, START_s), dosed(tmp_path, cold))
    assert any("does not cover" in note for note in record.events(twin_id)[0].payload["notes"])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"given_Gy": (10.0,) * 7}, "weeks"),
        ({"given_Gy": (-1.0,)}, "weeks"),
        ({"given_Gy": (10.0,), "radiotherapy": "2026-01-05T09:00"}, "before the first visit"),
        ({"given_Gy": "10,10", "radiotherapy": "2026-03-05"}, "given_Gy"),
        ({"given_Gy": ((10.0, 10.0), (1.0, 1.0)), "radiotherapy": "2026-03-05"}, "weeks"),
        ({"given_Gy": 10.0}, "no stated day"),
        ({"radiotherapy": "2020-01-01"}, "before the first visit"),
        ({"radiotherapy": 20}, "a time '20'"),
        ({"concurrent": "no"}, "concurrent"),
        ({"shoe_size": 43}, "shoe_size"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], match: str, record: Store, tmp_path: Path) -> None:
    with refused(record, InputError, match):
        flow.new(record, "glioma", written(tmp_path, START_s), None, options=options)


def test_a_folder_of_a_public_collection_becomes_a_twin_from_the_command_line(tmp_path: Path) -> None:
    for visit, t_s in (("11", START_s), ("21", START_s + 21 * DAY_S)):
        regions = outlined(PATIENT, (), t_s, np.random.default_rng(3))
        labels = sum(value * regions[name] for value, name in ((1, "necrosis"), (2, "oedema"), (4, "enhancing")))
        path = tmp_path / "images_segm" / f"UPENN-GBM-00007_{visit}_segm.nii.gz"
        path.parent.mkdir(exist_ok=True)
        io.write_nifti(path, Image(np.asarray(labels, dtype=np.float32), regions.grid.affine_mm))
    (tmp_path / "clinical.csv").write_text("ID,Time_since_baseline_preop\nUPENN-GBM-00007_21,21\n")
    asked = ["twin", "new", "glioma", "--mri", str(tmp_path / "images_segm"), "--store", str(tmp_path / "twins.db")]
    assert CliRunner().invoke(app, asked).exit_code != 0
    assert not (tmp_path / "twins.db").exists()
    done = CliRunner().invoke(app, [*asked, "--time", "2000-01-01T12:00"])
    assert done.exit_code == 0, done.output
    with store.open(tmp_path / "twins.db", create=False) as record:
        (twin_id,) = record.twins()
        assert [e.valid_s for e in record.events(twin_id) if e.kind == "Observed"] == [seconds(f"2000-01-{d}T12:00") for d in ("01", "22")]
        assert flow.replay(record, twin_id).identical


def test_weeks_given_on_one_decision_are_those_of_the_schedule(record: Store, begun: tuple[Path, str]) -> None:
    """`--another` records the next week of what was decided on, never its first again, and none beyond its last."""
    decided = [e for e in record.events(begun[1]) if e.kind == "Decided"][-1]
    plan = next(o["name"] for o in decided.payload["options"] if len(set(o["name"][4:-3].split("/"))) > 2)
    doses = [float(Gy) for Gy in plan[4:-3].split("/")]
    given = [flow.act(record, begun[1], plan, another=week > 0).payload["action"]["amount"] for week in range(len(doses))]
    assert given == [5 * Gy for Gy in doses]
    with refused(record, InputError, "week 7 of a schedule of 6"):
        flow.act(record, begun[1], plan, another=True)


def test_names_given_at_the_beginning_hold_for_later_visits(tmp_path: Path) -> None:
    """What `--map` says is kept with the twin; two regions are never mapped to one name."""
    visits = [written(tmp_path, START_s + day * DAY_S) for day in (0, 14)]
    for path in visits:
        told(labels={"1": "necrosis", "2": "lesion", "3": "oedema"})(path)
    with store.open(tmp_path / "twins.db") as record:
        with pytest.raises(StructureError, match="two labels that mean enhancing"):
            flow.new(record, "glioma", visits[0], None, names={"lesion": "enhancing", "necrosis": "enhancing"})
        assert not record.twins()
        twin_id = flow.new(record, "glioma", visits[0], None, names={"lesion": "enhancing"})
        flow.observe(record, twin_id, visits[1])
        assert [e.kind for e in record.events(twin_id)].count("Observed") == 2
        assert flow.replay(record, twin_id).identical


@pytest.mark.parametrize("change", [{"AcquisitionDateTime": "2026-02-20T09:00"}, {"FrameOfReferenceUID": "1.2.3"}])
def test_a_corrected_sidecar_makes_another_twin(change: dict[str, str], tmp_path: Path) -> None:
    path = written(tmp_path, START_s)
    with store.open(tmp_path / "twins.db") as record:
        first = flow.new(record, "glioma", path, None)
        assert flow.new(record, "glioma", path, None) == first
        told(**change)(path)
        assert flow.new(record, "glioma", path, None) != first
