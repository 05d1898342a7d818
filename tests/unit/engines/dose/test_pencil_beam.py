"""The influence matrix: its form, and what it refuses."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Image
from gemel.devices.proton import Machine
from gemel.engines.dose import hu_to_rsp, influence, influence_with_let, let_of_plan_keV_um
from gemel.engines.dose.lookup import cut_radius_mm, tabulate

ISO = np.array([30.0, 60.0, 30.0])
SPOT = np.array([[0.0, 0.0, 0.0, 100.0]])


def water(value: float = 1.0, spacing: tuple[float, float, float] = (3.0, 3.0, 3.0)) -> Image:
    shape = tuple(round(s / d) for s, d in zip((60, 120, 60), spacing))
    return Image(np.full(shape, value, dtype=np.float32), np.diag([*spacing, 1.0]))


def test_matrix_is_float32_csc_of_voxels_by_spots_with_sorted_rows() -> None:
    spots = np.array([[0.0, 0, 0, 100.0], [90.0, 5, -5, 72.3], [37.0, 0, 5, 80.0]])
    matrix = influence(water(), spots, Machine.generic(), ISO)
    assert matrix.format == "csc"
    assert matrix.dtype == np.float32
    assert matrix.shape == (20 * 40 * 20, 3)
    fresh = matrix.copy()
    fresh.has_sorted_indices = False
    fresh.sort_indices()
    assert np.array_equal(fresh.indices, matrix.indices)
    assert (matrix.data >= 0).all()


def test_a_spot_lies_where_the_convention_says() -> None:
    """g = 90: beam along −x, x_bev along +y."""
    matrix = influence(water(), np.array([[90.0, 15.0, 9.0, 70.0]]), Machine.generic(), ISO)
    dose = matrix.toarray().reshape(20, 40, 20)
    entrance = dose[-1]
    j, k = np.unravel_index(entrance.argmax(), entrance.shape)
    assert (j * 3.0, k * 3.0) == (75.0, 39.0)
    assert dose[0].max() < 1e-3 * dose.max()


def test_restricted_rows_equal_the_full_matrix_there_and_are_empty_elsewhere() -> None:
    voxels = np.zeros((20, 40, 20), dtype=bool)
    voxels[8:12, 20:30, 8:12] = True
    full = influence(water(), SPOT, Machine.generic(), ISO).toarray().ravel()
    some = influence(water(), SPOT, Machine.generic(), ISO, voxels=voxels)
    assert some.nnz < voxels.sum() + 1
    assert np.array_equal(some.toarray().ravel(), np.where(voxels.ravel(), full, 0))


def test_rows_that_a_spot_does_not_touch_are_not_an_error_but_a_spot_beside_the_grid_is() -> None:
    far = np.zeros((20, 40, 20), dtype=bool)
    far[0, 39, 0] = True
    assert influence(water(), SPOT, Machine.generic(), ISO, voxels=far).nnz == 0
    beside = np.array([[0.0, 0, 0, 100.0], [0.0, 500.0, 0, 100.0], [0.0, 0, 900.0, 100.0]])
    for voxels in (None, far):
        with pytest.raises(RangeError, match="2 of 3 spots"):
            influence(water(), beside, Machine.generic(), ISO, voxels=voxels)


def test_columns_do_not_depend_on_their_neighbours() -> None:
    machine, spots = Machine.generic(), np.array([[0.0, 0, 0, 100.0], [90.0, 5, 0, 90.0], [0.0, 5, 0, 85.0]])
    together = influence(water(), spots, machine, ISO)
    for column, spot in enumerate(spots):
        alone = influence(water(), spot[None], machine, ISO)
        assert np.array_equal(together[:, [column]].toarray(), alone.toarray())


def test_the_cut_radius_leaves_the_stated_share_outside() -> None:
    core, halo, weight = np.array([16.0, 25.0]), np.array([100.0, 400.0]), np.array([0.0, 0.15])
    r = cut_radius_mm(core, halo, weight, 0.995)
    outside = (1 - weight) * np.exp(-(r**2) / 2 / core) + weight * np.exp(-(r**2) / 2 / halo)
    assert outside == pytest.approx(0.005, rel=1e-4)


def test_cut_tables_never_shrink_with_depth() -> None:
    assert (np.diff(tabulate([Machine.generic().layer(150.0)], 0.995).cut_mm2) >= 0).all()


def test_let_comes_at_the_places_of_the_dose_and_does_not_change_it() -> None:
    spots = np.array([[0.0, 0, 0, 100.0], [90.0, 5, -5, 72.3], [37.0, 0, 5, 80.0]])
    dose, with_let = influence_with_let(water(), spots, Machine.generic(), ISO, kept=0.98)
    assert np.array_equal(dose.data, influence(water(), spots, Machine.generic(), ISO, kept=0.98).data)
    assert np.shares_memory(dose.indices, with_let.indices)
    assert with_let.has_sorted_indices


def test_the_let_of_one_spot_is_that_of_its_layer_at_each_depth() -> None:
    row = Machine.generic().layer(100.0)
    dose, with_let = (m.toarray().reshape(20, 40, 20) for m in influence_with_let(water(), SPOT, Machine.generic(), ISO))
    depth = 3.0 * np.arange(40) + 1.5
    inside = depth < row.range_mm + 1
    found = let_of_plan_keV_um(dose, with_let)[10, inside, 10]
    assert found == pytest.approx(np.interp(depth[inside], row.depth_mm, row.let_keV_um), rel=3e-3)


def test_each_column_has_the_let_of_its_own_layer() -> None:
    machine, spots = Machine.generic(), np.array([[0.0, 0, 0, 100.0], [90.0, 5, 0, 70.0], [0.0, 5, 0, 85.0]])
    together = influence_with_let(water(), spots, machine, ISO)[1]
    for column, spot in enumerate(spots):
        alone = influence_with_let(water(), spot[None], machine, ISO)[1]
        assert np.array_equal(together[:, [column]].toarray(), alone.toarray())


def test_the_let_of_a_plan_is_the_mean_over_its_dose() -> None:
    spots = np.array([[0.0, 0, 0, 100.0], [180.0, 0, 0, 100.0]])
    dose, with_let = influence_with_let(water(), spots, Machine.generic(), ISO)
    weights = np.array([3.0, 1.0])
    found = let_of_plan_keV_um(dose @ weights, with_let @ weights).reshape(20, 40, 20)
    single = [let_of_plan_keV_um(dose[:, [s]].toarray(), with_let[:, [s]].toarray()).reshape(20, 40, 20) for s in (0, 1)]
    share = [w * dose[:, [s]].toarray().reshape(20, 40, 20) for s, w in enumerate(weights)]
    both = (share[0] > 0) & (share[1] > 0)
    expected = (share[0] * single[0] + share[1] * single[1])[both] / (share[0] + share[1])[both]
    assert found[both] == pytest.approx(expected, rel=1e-5)
    assert not found[(share[0] + share[1]) == 0].any()


@pytest.mark.parametrize(
    "spots",
    [np.zeros((0, 4)), np.zeros((3, 3)), np.array([[0.0, np.nan, 0, 100]])],
    ids=["none", "three columns", "not a number"],
)
def test_unusable_spots_are_refused(spots: np.ndarray) -> None:
    # the shape is judged by the function itself, not by its annotation
    call = getattr(influence, "__wrapped__", influence)
    with pytest.raises((InputError, TypeError)):
        call(water(), spots, Machine.generic(), ISO)


def test_energy_outside_the_machine_names_the_valid_range() -> None:
    with pytest.raises(RangeError, match=r"300.*60\.00 to 250\.00 MeV"):
        influence(water(), np.array([[0.0, 0, 0, 300.0]]), Machine.generic(), ISO)


def test_isocentre_far_outside_the_grid_is_refused() -> None:
    with pytest.raises(GeometryError, match="mm outside the grid"):
        influence(water(), SPOT, Machine.generic(), np.array([30.0, 60.0, 1000.0]))


@pytest.mark.parametrize(("value", "message"), [(np.nan, "not finite"), (-0.2, "-0.2")])
def test_impossible_stopping_powers_are_refused(value: float, message: str) -> None:
    rsp = water()
    rsp.array[3, 3, 3] = value
    with pytest.raises(RangeError, match=message):
        influence(rsp, SPOT, Machine.generic(), ISO)


def test_oblique_image_is_refused() -> None:
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:2, :2] = 3 * np.array([[0.8, -0.6], [0.6, 0.8]])
    with pytest.raises(GeometryError, match="axes"):
        influence(Image(water().array, affine), SPOT, Machine.generic(), ISO)


def test_voxels_of_another_grid_and_a_cut_that_keeps_nothing_are_refused() -> None:
    with pytest.raises(GeometryError, match="voxels of shape"):
        influence(water(), SPOT, Machine.generic(), ISO, voxels=np.ones((2, 2, 2), dtype=bool))
    with pytest.raises(RangeError, match="keeps"):
        influence(water(), SPOT, Machine.generic(), ISO, kept=1.0)


def test_an_image_of_hu_becomes_an_image_of_rsp() -> None:
    table = np.array([[-1000.0, 0.001], [0.0, 1.0], [1000.0, 1.5]])
    rsp = hu_to_rsp(water(500.0), table)
    assert isinstance(rsp, Image)
    assert rsp.array[0, 0, 0] == pytest.approx(1.25)
