"""The field member lives in the loop: from segmentations with tissue to a probability map of the next one, and a week that is decided."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gemel import flow, io, store
from gemel.core.errors import GeometryError, InputError, RangeError, StructureError
from gemel.core.image import Image
from gemel.core.record import Action
from gemel.core.structures import Structures
from gemel.core.time import DAY_S, iso, seconds
from gemel.core.visit import Segmented
from gemel.flow.session import open_session
from gemel.systems.glioma import field_learning, field_readouts, field_report, virtual_field
from gemel.systems.glioma.case import begin
from gemel.systems.glioma.events import WEEK, Setting
from gemel.systems.glioma.field import FLAIR, T1GD
from gemel.systems.glioma.ground import laid
from gemel.systems.glioma.observe import observations, observe
from gemel.systems.glioma.tissue import Tissue
from gemel.systems.glioma.transport import WAY
from gemel.systems.glioma.virtual_field import VirtualField, brain, visible
from tests.unit.flow.test_glioma import installed  # noqa: F401

START_s = seconds("2026-03-02T09:00:00")
TRUTH = {"rho_1_d": 0.04, "D_white_mm2_d": 0.37, "alpha_1_Gy": 0.08, "drug_kill_1": 0.03, "clearance_1_d": 0.03, WAY: 0.0}
SEEN_d, WEEK_d = (0.0, 20.0, 38.0, 58.0), 39.0


def written(folder: Path, of: Tissue, u: np.ndarray, day: float) -> Path:
    """One visit: enhancing, oedema, and tissue where it was not hidden by them."""
    labels = np.where(u > T1GD, 4, np.where(u > FLAIR, 2, np.where(of.white > 0.5, 5, np.where(of.grey > 0.5, 6, 0))))
    t_s = START_s + day * DAY_S
    path = folder / f"mri_{iso(t_s)[:10]}.nii.gz"
    io.write_nifti(path, Image(labels.astype(np.float32), of.grid.affine_mm))
    names = {"2": "oedema", "4": "enhancing", "5": "white matter", "6": "grey matter"}
    names = {k: v for k, v in names.items() if (labels == int(k)).any()}
    fields = {"AcquisitionDateTime": iso(t_s), "PatientID": "P", "labels": names}
    path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(fields))
    return path


def tensor(folder: Path, of: Tissue, *, xy: float) -> Path:
    """Fibres along x."""
    folder.mkdir()
    for name, value in (("xx", 1.6e-3), ("yy", 0.4e-3), ("zz", 0.4e-3), ("xy", xy), ("xz", 0.0), ("yz", 0.0)):
        io.write_nifti(folder / f"{name}.nii.gz", Image(np.full(of.grid.shape, value, np.float32), of.grid.affine_mm))
    (folder / "tensor.json").write_text(json.dumps({"Units": "mm2/s"}))
    return folder


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """A coarser head and fewer runs than a patient gets: that those are enough is `test_field_calibration`'s."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("SPACING_mm", 3.0), ("GRID", (32, 32, 26)), ("SEED_d", 80.0)):
            patch.setattr(virtual_field, name, value)
        for name, value in (("DRAWS", 24), ("A_ROUND", 32), ("ASKED", 96), ("STEPS", 3), ("CLOSER", 1)):
            patch.setattr(field_learning, name, value)
        patch.setattr(field_report, "DRAWS", 16)
        patch.setattr(field_readouts, "HORIZON_d", 120.0)
        brain.cache_clear()
        yield
    brain.cache_clear()


@pytest.fixture(scope="module")
def of(quick) -> Tissue:
    return brain()


@pytest.fixture(scope="module")
def fields(quick) -> dict[float, np.ndarray]:
    """The true cells, living and dead: growth, and a week of 5 × 2 Gy as decided below."""
    week = Action(WEEK, START_s + WEEK_d * DAY_S, 10.0, "Gy")
    patient = VirtualField({name: np.array([value]) for name, value in TRUTH.items()}, START_s, Setting())
    return dict(zip(SEEN_d, visible(patient, (week,), [START_s + day * DAY_S for day in SEEN_d])))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, of: Tissue, fields, quick, installed) -> Iterator[tuple[store.Store, str, Path]]:  # noqa: F811
    folder = tmp_path_factory.mktemp("field")
    visits = [written(folder, of, fields[day], day) for day in SEEN_d[:2]]
    with store.open(folder / "twins.db") as record:
        options = {"member": "field", "radiotherapy": iso(START_s + WEEK_d * DAY_S)}
        yield record, flow.new(record, "glioma", visits, None, options=options), folder


@pytest.fixture(scope="module")
def seen(begun, fields, of: Tissue) -> tuple[store.Store, str, Path]:
    """After the third visit, the last before radiotherapy."""
    record, twin_id, folder = begun
    flow.observe(record, twin_id, written(folder, of, fields[SEEN_d[2]], SEEN_d[2]))
    return begun


def ln_error(record: store.Store, twin_id: str, name: str) -> np.ndarray:
    """ln of a parameter over the truth, draw by draw."""
    _, params = open_session(record, twin_id).twin.belief.draw(200, np.random.default_rng(0))
    return np.log(params[name] / TRUTH[name])


def test_growth_is_learned_from_outlines(seen) -> None:
    """The truth within three standard deviations, and less than three quarters of the population's spread left."""
    for name, prior in (("rho_1_d", 0.8), ("D_white_mm2_d", 1.0)):
        ln = ln_error(seen[0], seen[1], name)
        assert ln.std() < 0.75 * prior
        assert abs(ln.mean()) < 3 * ln.std()


def test_the_next_outline_is_foretold(seen, fields, of: Tissue) -> None:
    """Dice of the most probable volumes, before the scan was seen: better than leaving them as they were, and within what was foretold."""
    session = open_session(seen[0], seen[1])
    on, t_s = session.case.field, START_s + SEEN_d[2] * DAY_S
    before = field_report.before(session.twin, t_s)
    expected = field_report.probabilities(on, before, t_s, np.random.default_rng(1))
    masks = {day: {"enhancing": u > T1GD, "oedema": (u > FLAIR) & (u <= T1GD)} for day, u in fields.items()}
    came, last = (laid(on, Structures(Image(of.white, of.grid.affine_mm), masks[day])) for day in (SEEN_d[2], SEEN_d[1]))
    for name, gain in (("enhancing", 0.1), ("flair", 0.02)):
        found = field_report.overlap(expected[name], came[name], last[name])
        assert found.dice > found.unchanged + gain
        assert found.dice >= found.expected[1]


@pytest.mark.full
def test_a_week_is_decided_given_learned_from_and_reported(seen, fields, of: Tissue, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most four fifths of the population's spread of α are left after it, and the truth is within three standard deviations."""
    for name, value in (("DRAWS", 64), ("A_ROUND", 64), ("ASKED", 256)):
        monkeypatch.setattr(field_learning, name, value)
    record, twin_id, folder = seen
    prior = np.log(open_session(record, twin_id).twin.model.prior.draw(200, np.random.default_rng(0))[1]["alpha_1_Gy"]).std()
    decided = flow.decide(record, twin_id, draws=8).event
    assert 2 <= len(decided.payload["options"]) <= 4
    done = flow.act(record, twin_id, "5 x 2/2/2/2/2/2 Gy")
    assert done.payload["action"]["amount"] == 10.0
    flow.observe(record, twin_id, written(folder, of, fields[SEEN_d[3]], SEEN_d[3]))
    session = open_session(record, twin_id)
    ln = ln_error(record, twin_id, "alpha_1_Gy")
    assert ln.std() < 0.8 * prior
    assert abs(ln.mean()) < 3 * ln.std()
    assert session.badge == "twin"
    text = flow.report(record, twin_id, folder / "report", made_s=START_s + 60 * DAY_S).read_text(encoding="utf-8")
    words = ("Forecast against scan", "Overlap of forecast and scan", "Dice foretold", "What was learned", "D_white_mm2_d")
    for word in (*words, "How cells move", "uniform", "enhancing volume / mL", "effective"):
        assert word in text


def test_without_tissue_or_with_another_member_nothing_is_stored(tmp_path: Path, of: Tissue, fields) -> None:
    blank = Tissue(of.grid, 0 * of.white, 0 * of.grey)
    path = written(tmp_path, blank, fields[0.0], 0.0)
    with store.open(tmp_path / "twins.db") as record:
        with pytest.raises(InputError, match="white and grey"):
            flow.new(record, "glioma", [path], None, options={"member": "field"})
        with pytest.raises(InputError, match="member"):
            flow.new(record, "glioma", [path], None, options={"member": "both"})
        white, grey = tmp_path / "white.nii.gz", tmp_path / "grey.nii.gz"
        io.write_nifti(white, Image(of.white, of.grid.affine_mm))
        io.write_nifti(grey, Image(of.grey[:-1], of.grid.affine_mm))
        with pytest.raises(GeometryError, match="grids"):
            flow.new(record, "glioma", [path], None, white, grey, options={"member": "field"})
        small = tmp_path / "dose.nii.gz"
        io.write_nifti(grey, Image(of.grey, of.grid.affine_mm))
        io.write_nifti(small, Image(np.full((8, 8, 8), 60.0, np.float32), of.grid.affine_mm))
        with pytest.raises(StructureError, match="cover"):
            flow.new(record, "glioma", [path], small, white, grey, options={"member": "field"})
        for name, values in (("white", -of.white), ("grey", 255 * of.grey)):
            bad = tmp_path / f"bad_{name}.nii.gz"
            io.write_nifti(bad, Image(values, of.grid.affine_mm))
            maps = (bad, grey) if name == "white" else (white, bad)
            with pytest.raises(RangeError, match=name):
                flow.new(record, "glioma", [path], None, *maps, options={"member": "field"})
        with pytest.raises(RangeError, match="positive"):
            flow.new(record, "glioma", [path], None, white, grey, tensor(tmp_path / "dti", of, xy=2e-3), options={"member": "field"})
        with pytest.raises(InputError, match="member=field"):
            flow.new(record, "glioma", [path], None, None, None, tmp_path / "dti")
        assert not record.twins()
        twin_id = flow.new(record, "glioma", [path], None, white, grey, tensor(tmp_path / "along", of, xy=0.0), options={"member": "field"})
        assert any("along fibres" in note for note in record.events(twin_id)[0].payload["notes"])
        assert open_session(record, twin_id).case.field.tensor.shape == (*open_session(record, twin_id).case.field.grid.shape, 6)


def test_a_visit_in_which_nothing_enhances_is_seen_by_flair_alone(of: Tissue) -> None:
    """Later it is one volume and one shape, and said; as the first visit, and around necrosis, it is refused."""
    z, y, x = (np.abs(np.arange(n) - (n - 1) / 2) for n in reversed(of.grid.shape))
    lump = (x[:, None, None] < 4) & (y[None, :, None] < 4) & (z[None, None, :] < 4)
    core, nothing = lump & (x[:, None, None] < 2), np.zeros_like(lump)
    tissue = {"white": (of.white > 0.5) & ~lump, "grey": of.grey > 0.5}

    def visit(day: float, **masks: np.ndarray) -> Segmented:
        return Segmented(Structures(of.grid, {**masks, **tissue}), START_s + day * DAY_S, "made up")

    first = visit(0.0, enhancing=core, oedema=lump & ~core)
    case = begin(first, member="field")
    for later in (visit(14.0, enhancing=nothing, oedema=lump), visit(14.0, flair=lump)):
        day = observe(case, later, lambda *_: None)
        assert {o.kind for o in observations(day, later.acquired_s, "made up")} == {"ln_flair_mL", "flair_shape_mm"}
        assert any("nothing enhances" in note for note in day.notes)
        with pytest.raises(StructureError, match="no enhancing"):
            begin(later, member="field")
    with pytest.raises(StructureError, match="no enhancing"):
        observe(case, visit(14.0, enhancing=nothing, necrosis=core, oedema=lump), lambda *_: None)
