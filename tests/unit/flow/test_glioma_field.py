"""The field member lives in the loop: from segmentations with tissue to a probability map of the next one, and a week that is decided."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gemel import flow, io, store
from gemel.core.errors import GeometryError, InputError, StructureError
from gemel.core.image import Image
from gemel.core.structures import Structures
from gemel.core.time import DAY_S, iso, seconds
from gemel.flow.session import open_session
from gemel.systems.glioma import field_report
from gemel.systems.glioma.field import FLAIR, T1GD, Invasion, Therapy, forward
from gemel.systems.glioma.field_start import field_from
from gemel.systems.glioma.ground import laid
from gemel.systems.glioma.tissue import Tissue, tissue
from tests.unit.flow.test_glioma import installed  # noqa: F401

START_s = seconds("2026-03-02T09:00:00")
TRUTH = Invasion(0.33, 5.0, 0.05, 0.012, 0.03)
H, SHAPE = 2.5, (40, 40, 32)
AFFINE = np.diag([H, H, H, 1.0])


def brain() -> Tissue:
    """White matter, with a slab of grey to one side of the tumour and fluid on another."""
    x, y, z = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * H for n in SHAPE], indexing="ij")
    head = (x / 46) ** 2 + (y / 46) ** 2 + (z / 36) ** 2 < 1
    fluid, grey = head & (np.abs(x + 22) < 4) & (np.abs(y) < 15), head & (y > 12)
    made = [Image(mask.astype(np.float32), AFFINE) for mask in (head & ~grey & ~fluid, grey & ~fluid)]
    return tissue(*made)


def first_field(of: Tissue) -> np.ndarray:
    x, y, z = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * H for n in SHAPE], indexing="ij")
    seed = np.where(of.mask, 0.95 * np.exp(-(((x - 2) ** 2 + y**2 + z**2) / 72)), 0).astype(np.float32)
    u = forward(of, seed, TRUTH, t_days=[70.0])[0]
    return field_from(of, u > T1GD, u > FLAIR)


def written(folder: Path, of: Tissue, u: np.ndarray, day: float) -> Path:
    """One visit: enhancing, oedema, and tissue where it was not hidden by them."""
    labels = np.where(u > T1GD, 4, np.where(u > FLAIR, 2, np.where(of.white > 0.5, 5, np.where(of.grey > 0.5, 6, 0))))
    t_s = START_s + day * DAY_S
    path = folder / f"mri_{iso(t_s)[:10]}.nii.gz"
    io.write_nifti(path, Image(labels.astype(np.float32), AFFINE))
    names = {"2": "oedema", "4": "enhancing", "5": "white matter", "6": "grey matter"}
    names = {k: v for k, v in names.items() if (labels == int(k)).any()}
    fields = {"AcquisitionDateTime": iso(t_s), "PatientID": "P", "labels": names}
    path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(fields))
    return path


@pytest.fixture(scope="module")
def of() -> Tissue:
    return brain()


@pytest.fixture(scope="module")
def fields(of: Tissue) -> dict[float, np.ndarray]:
    """The true field: growth for 28 days, a week of 5 × 2 Gy from day 21 on as decided below."""
    therapy = Therapy(tuple(21.0 + n for n in range(5)), 2.0)
    start, days = first_field(of), (0.0, 14.0, 20.0, 28.0)
    return dict(zip(days, forward(of, start, TRUTH, t_days=days, therapy=therapy)))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, of: Tissue, fields, installed) -> Iterator[tuple[store.Store, str, Path]]:  # noqa: F811
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
        ln = np.log(params[name] / getattr(TRUTH, name))
        assert ln.std() < least
        assert abs(ln.mean()) < 2.5 * ln.std()
    assert np.log(params["rho_1_d"]).std() < 0.6


def test_the_next_outline_is_foretold(begun, fields, of: Tissue) -> None:
    """Dice of the most probable volumes, before the scan was seen, against the true ones; better than leaving them as they were."""
    session = open_session(begun[0], begun[1])
    on, t_s = session.case.field, START_s + 20 * DAY_S
    before = field_report.before(session.twin, t_s)
    expected = field_report.probabilities(on, before, t_s, np.random.default_rng(1))
    masks = {day: {"enhancing": u > T1GD, "oedema": (u > FLAIR) & (u <= T1GD)} for day, u in fields.items()}
    seen, last = (laid(on, Structures(Image(of.white, AFFINE), masks[day])) for day in (20.0, 14.0))
    for name, least in (("enhancing", 0.9), ("flair", 0.9)):
        found = field_report.overlap(expected[name], seen[name], last[name])
        assert found.dice > max(least, found.unchanged)


def test_a_week_is_decided_given_and_reported(begun, fields, of: Tissue) -> None:
    record, twin_id, folder = begun
    decided = flow.decide(record, twin_id, draws=16).event
    assert 2 <= len(decided.payload["options"]) <= 4
    done = flow.act(record, twin_id, "5 x 2/2/2/2/2/2 Gy")
    assert done.payload["action"]["amount"] == 10.0
    flow.observe(record, twin_id, written(folder, of, fields[28.0], 28.0))
    session = open_session(record, twin_id)
    alpha = session.twin.belief.draw(64, np.random.default_rng(0))[1]["alpha_1_Gy"]
    assert np.log(alpha).std() < 0.5
    assert session.badge == "twin"
    text = flow.report(record, twin_id, folder / "report", made_s=START_s + 60 * DAY_S).read_text(encoding="utf-8")
    for word in ("Forecast against scan", "Overlap of forecast and scan", "Dice", "What was learned", "D_white_mm2_d"):
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
        io.write_nifti(white, Image(of.white, AFFINE))
        io.write_nifti(grey, Image(of.grey[:-1], AFFINE))
        with pytest.raises(GeometryError, match="grids"):
            flow.new(record, "glioma", [path], None, white, grey, options={"member": "field"})
        small = tmp_path / "dose.nii.gz"
        io.write_nifti(grey, Image(of.grey, AFFINE))
        io.write_nifti(small, Image(np.full((8, 8, 8), 60.0, np.float32), AFFINE))
        with pytest.raises(StructureError, match="cover"):
            flow.new(record, "glioma", [path], small, white, grey, options={"member": "field"})
        assert not record.twins()
        assert flow.new(record, "glioma", [path], None, white, grey, options={"member": "field"}) in record.twins()
