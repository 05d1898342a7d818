"""Ways in which cells move: DTI's directions, rival members weighed by the scans, and the shapes that tell them apart."""

import numpy as np
import pytest

from gemel.core import twin as twins
from gemel.core.errors import GeometryError, InputError, RangeError, StructureError
from gemel.core.image import Image
from gemel.core.record import Observation
from gemel.core.time import DAY_S
from gemel.systems.glioma import field_learning, shape
from gemel.systems.glioma.events import FRACTION, Dated, Setting
from gemel.systems.glioma.fibres import PARTS, require_frame, tensor_on
from gemel.systems.glioma.field import FLAIR, T1GD
from gemel.systems.glioma.field_course import course, within
from gemel.systems.glioma.field_learning import weight_of_ways
from gemel.systems.glioma.field_shown import KINDS, predicted, shown
from gemel.systems.glioma.field_template import model_of
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.transport import TENSOR, UNIFORM, WAY, WAYS, unit_diffusivity, ways

H, SHAPE = 3.0, (26, 24, 24)
ALONG_mm2_s = {"xx": 1.6e-3, "yy": 0.4e-3, "zz": 0.4e-3}


def image(array, frame="") -> Image:
    return Image(np.asarray(array, dtype=np.float32), np.diag([H, H, H, 1.0]), frame)


def tensor(**change: float) -> dict[str, Image]:
    return {name: image(np.full(SHAPE, value)) for name, value in (ALONG_mm2_s | change).items()}


def where() -> tuple[np.ndarray, np.ndarray]:
    at = np.indices(SHAPE).reshape(3, -1).T
    return at, np.ones(len(at), dtype=bool)


@pytest.fixture(scope="module")
def on() -> Ground:
    """A ball of cells in white matter whose fibres run along x."""
    x, y, z = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * H for n in SHAPE], indexing="ij")
    white = np.ones(SHAPE, dtype=np.float32)
    start = (0.95 / (1 + np.exp((np.sqrt(x**2 + y**2 + z**2) - 13) / 2))).astype(np.float32)
    laid = tensor_on(tensor(), where(), white > 0)
    return Ground(image(np.zeros(SHAPE)), white, 0 * white, start, np.zeros(0, np.float32), laid)


def drawn(way: str) -> dict[str, np.ndarray]:
    found = {"rho_1_d": 0.04, "D_white_mm2_d": 0.3, "alpha_1_Gy": 0.05, "drug_kill_1": 0.03, "clearance_1_d": 0.015, "discrepancy_1": 0.05}
    return {name: np.array([value]) for name, value in found.items()} | {WAY: np.array([float(WAYS.index(way))])}


def test_a_tensor_is_its_directions_without_its_size(on: Ground) -> None:
    np.testing.assert_allclose(on.tensor[3, 4, 5], [2.0, 0, 0, 0.5, 0, 0.5], rtol=1e-6)
    assert ways(on) == (0, 1, 2)
    assert unit_diffusivity(on, WAYS.index(UNIFORM)).shape == SHAPE


def test_cells_follow_fibres(on: Ground) -> None:
    """Second moments of all cells grow by 2 D t of each direction while ρ is nothing."""
    still = drawn(TENSOR) | {"rho_1_d": np.array([1e-6])}
    cells = course(on, still, (), [DAY_S, 21 * DAY_S], lambda u: u)[0].astype(np.float64)
    x = np.indices(SHAPE) * H
    spread = [[float((u * (x[k] - (SHAPE[k] - 1) / 2 * H) ** 2).sum() / u.sum()) for k in range(3)] for u in cells]
    grown = np.subtract(spread[1], spread[0])
    np.testing.assert_allclose(grown, 2 * 0.3 * 20 * np.array([2.0, 0.5, 0.5]), rtol=0.02)


def test_radii_are_those_of_a_ball_and_tell_where_it_is_longer(on: Ground) -> None:
    of = shape.parts(on)
    assert np.bincount(of.ravel()).min() > 0.8 * of.size / shape.PARTS / 2
    ball = shape.radii_mm(on, of, within(on.start, T1GD))
    assert np.abs(ball).max() < 1.0  # voxels of 3 mm
    long = shown(on, drawn(TENSOR), (), [60 * DAY_S])[0, 0]
    radii = predicted(shape.KINDS["flair"], long)
    assert radii.sum() == pytest.approx(0.0, abs=1e-9)
    assert np.sort(radii)[-4:].mean() - np.sort(radii)[:4].mean() > 3.0


@pytest.mark.parametrize("way", [TENSOR, pytest.param(UNIFORM, marks=pytest.mark.full)])
def test_the_way_that_foretold_the_scans_weighs_most(on: Ground, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two noise-free scans of a truth that moves one way: volumes hardly tell, shapes do."""
    for name, value in (("A_ROUND", 32), ("ASKED", 64)):
        monkeypatch.setattr(field_learning, name, value)
    bare = on if way == TENSOR else Ground(on.grid, *halves(), on.start, on.dose_1)
    model = model_of(bare, Setting())
    twin = twins.new(model, 0.0, 5)
    for day in (1.0, 61.0):
        features = shown(bare, drawn(way), (), [day * DAY_S])[0, 0]
        sd = {kind: np.full(len(predicted(kind, features)), 0.1 if kind.startswith("ln") else shape.SD_mm) for kind in KINDS}
        twin = twins.assimilate(twin, tuple(Observation(k, day * DAY_S, predicted(k, features), sd[k], "made up") for k in KINDS))
    found = weight_of_ways(twin.belief)
    assert sum(found.values()) == pytest.approx(1.0)
    assert found[way] > 0.8


def halves() -> tuple[np.ndarray, np.ndarray]:
    white = np.zeros(SHAPE, dtype=np.float32)
    white[: SHAPE[0] // 2 + 3] = 1.0
    return white, 1.0 - white


def test_tensors_that_cannot_be_are_refused() -> None:
    mask, (at, inside) = np.ones(SHAPE, dtype=bool), where()
    bad = (({"xx": -1e-3}, "mean|positive"), ({"xx": np.nan}, "mean"), ({"xx": 1.6, "yy": 0.4}, "mm2/s"), ({"xy": 2e-3}, "positive"))
    for change, match in bad:
        with pytest.raises(RangeError, match=match):
            tensor_on(tensor(**change), (at, inside), mask)
    with pytest.raises(StructureError, match="cover"):
        tensor_on(tensor(), (at, np.zeros_like(inside)), mask)
    with pytest.raises(GeometryError, match="frame"):
        require_frame({"xx": image(np.ones(SHAPE), "1.2")}, image(np.ones(SHAPE), "1.3"))
    assert set(tensor()) < set(PARTS)


def test_values_of_another_shape_are_refused(on: Ground) -> None:
    twin = twins.new(model_of(on, Setting()), 0.0, 1)
    with pytest.raises(InputError, match="shape"):
        twins.assimilate(twin, (Observation("flair_shape_mm", DAY_S, np.zeros(3), np.ones(3), "made up"),))


def test_enhancement_lasts_through_a_course(on: Ground) -> None:
    """30 fractions of 2 Gy at the population's α: living cells leave the threshold in two weeks, what is seen stays for more than three."""
    events = tuple(Dated((2 + 7 * week + day) * DAY_S, FRACTION, 2.0) for week in range(6) for day in range(5))
    ages = [d * DAY_S for d in (1.5, 16.0, 23.0)]
    seen, living = (course(on, drawn(UNIFORM), events, ages, lambda u: float((u > T1GD).sum()), dead=dead)[0] for dead in (True, False))
    assert living[0] == pytest.approx(seen[0])
    assert living[1] == 0
    assert seen[2] > 0.5 * seen[0]
    assert seen[0] < float((on.start > FLAIR).sum())
