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
from gemel.flow.session import open_session
from gemel.systems.glioma import field_learning, field_posterior, field_report
from gemel.systems.glioma.events import WEEK, Setting
from gemel.systems.glioma.field import FLAIR, T1GD
from gemel.systems.glioma.ground import laid
from gemel.systems.glioma.tissue import Tissue
from gemel.systems.glioma.transport import WAY
from gemel.systems.glioma.virtual_field import VirtualField, brain, visible
from tests.unit.flow.test_glioma import installed  # noqa: F401

START_s = seconds("2026-03-02T09:00:00")
TRUTH = {"rho_1_d": 0.05, "D_white_mm2_d": 0.33, "alpha_1_Gy": 0.03, "drug_kill_1": 0.03, "clearance_1_d": 0.1, WAY: 0.0}


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


@pytest.fixture(scope="module")
def of() -> Tissue:
    return brain()


@pytest.fixture(scope="module")
def fields() -> dict[float, np.ndarray]:
    """The true cells, living and dead: growth, and a week of 5 × 2 Gy from day 21 on as decided below."""
    days, week = (0.0, 14.0, 20.0, 42.0), Action(WEEK, START_s + 21 * DAY_S, 10.0, "Gy")
    patient = VirtualField({name: np.array([value]) for name, value in TRUTH.items()}, START_s, Setting())
    return dict(zip(days, visible(patient, (week,), [START_s + day * DAY_S for day in days])))


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """Fewer runs than a patient gets: that those are enough is `test_field_calibration`'s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(field_posterior, "A_ROUND", 32)
        patch.setattr(field_learning, "DRAWS", 32)
        yield


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, of: Tissue, fields, quick, installed) -> Iterator[tuple[store.Store, str, Path]]:  # noqa: F811
    folder = tmp_path_factory.mktemp("field")
    visits = [written(folder, of, fields[day], day) for day in (0.0, 14.0, 20.0)]
    with store.open(folder / "twins.db") as record:
        options = {"member": "field", "radiotherapy": "2026-03-23T09:00:00"}
        yield record, flow.new(record, "glioma", visits, None, options=options), folder


def test_growth_is_learned_from_volumes(begun) -> None:
    """The truth within the belief, which is narrower than the population."""
    session = open_session(begun[0], begun[1])
    _, params = session.twin.belief.draw(64, np.random.default_rng(0))
    for name, least in (("rho_1_d", 0.8), ("D_white_mm2_d", 1.0)):
        ln = np.log(params[name] / TRUTH[name])
        assert ln.std() < least
        assert abs(ln.mean()) < 2.5 * ln.std()
    assert np.log(params["rho_1_d"]).std() < 0.6


@pytest.mark.full
def test_the_next_outline_is_foretold(begun, fields, of: Tissue) -> None:
    """Dice of the most probable volumes, before the scan was seen, against the true ones; better than leaving them as they were."""
    session = open_session(begun[0], begun[1])
    on, t_s = session.case.field, START_s + 20 * DAY_S
    before = field_report.before(session.twin, t_s)
    expected = field_report.probabilities(on, before, t_s, np.random.default_rng(1))
    masks = {day: {"enhancing": u > T1GD, "oedema": (u > FLAIR) & (u <= T1GD)} for day, u in fields.items()}
    seen, last = (laid(on, Structures(Image(of.white, of.grid.affine_mm), masks[day])) for day in (20.0, 14.0))
    for name, least in (("enhancing", 0.9), ("flair", 0.9)):
        found = field_report.overlap(expected[name], seen[name], last[name])
        assert found.dice > max(least, found.unchanged)


@pytest.mark.full
def test_a_week_is_decided_given_and_reported(begun, fields, of: Tissue) -> None:
    record, twin_id, folder = begun
    decided = flow.decide(record, twin_id, draws=16).event
    assert 2 <= len(decided.payload["options"]) <= 4
    done = flow.act(record, twin_id, "5 x 2/2/2/2/2/2 Gy")
    assert done.payload["action"]["amount"] == 10.0
    flow.observe(record, twin_id, written(folder, of, fields[42.0], 42.0))
    session = open_session(record, twin_id)
    alpha = session.twin.belief.draw(64, np.random.default_rng(0))[1]["alpha_1_Gy"]
    assert np.log(alpha).std() < 0.58  # 0.73 in the population
    assert session.badge == "twin"
    text = flow.report(record, twin_id, folder / "report", made_s=START_s + 60 * DAY_S).read_text(encoding="utf-8")
    words = ("Forecast against scan", "Overlap of forecast and scan", "Dice foretold", "What was learned", "D_white_mm2_d")
    for word in (*words, "How cells move", "uniform", "enhancing volume / mL"):
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
