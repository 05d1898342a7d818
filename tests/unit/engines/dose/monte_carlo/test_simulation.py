"""The Monte Carlo: what it returns, and what it refuses."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Image
from gemel.devices.proton import Machine
from gemel.engines.dose import RangeShifter, ShiftedBeam, influence
from gemel.engines.dose.monte_carlo import simulate, tally
from gemel.engines.dose.monte_carlo.media import Values

ISO = np.array([30.0, 60.0, 30.0])
SPOT = np.array([[0.0, 0.0, 0.0, 100.0]])
ONE = np.array([1.0])


def test_dose_and_uncertainty_are_float32_on_the_grid_without_nan(water: Image) -> None:
    dose, uncertainty = simulate(water, SPOT, ONE, Machine.generic(), ISO, 320, 1)
    assert dose.shape == uncertainty.shape == water.shape
    assert dose.dtype == uncertainty.dtype == np.float32
    assert np.isfinite(dose).all()
    assert np.isfinite(uncertainty).all()
    assert (uncertainty[dose == 0] == 1).all()
    assert (uncertainty[dose > 0] <= 1).all()


def test_all_arguments_may_be_positions_and_histories_are_rounded_up_to_whole_batches(water: Image) -> None:
    found = tally(water, SPOT, ONE, Machine.generic(), ISO, 33, 1, let=True)
    assert found.histories == 64
    assert found.let_keV_um is not None
    assert tally(water, SPOT, ONE, Machine.generic(), ISO, 32, 1).let_keV_um is None


@pytest.mark.parametrize("gantry_deg", [0.0, 90.0, 137.0])
def test_the_dose_lies_where_the_pencil_beam_puts_it(water: Image, gantry_deg: float) -> None:
    """Centres of gravity agree within 1 mm, integrals within 5 %."""
    spot = np.array([[gantry_deg, 12.0, -7.0, 75.0]])
    dose, _ = simulate(water, spot, ONE, Machine.generic(), ISO, 6400, 2)
    pencil = influence(water, spot, Machine.generic(), ISO).toarray().reshape(water.shape)
    place = np.stack(np.meshgrid(*[3.0 * np.arange(n) for n in water.shape], indexing="ij"))
    here, there = ((place * d).sum(axis=(1, 2, 3)) / d.sum() for d in (dose, pencil))
    assert here == pytest.approx(there, abs=1.0)
    assert float(dose.sum()) == pytest.approx(float(pencil.sum()), rel=0.05)


def test_progress_is_reported_and_ends_at_the_end(water: Image) -> None:
    seen: list[tuple[int, int]] = []
    simulate(water, SPOT, ONE, Machine.generic(), ISO, 64, 1, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (64, 64)


def test_the_number_of_batches_held_together_does_not_change_the_answer(water: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulate(water, SPOT, ONE, Machine.generic(), ISO, 640, 1)
    monkeypatch.setattr("gemel.engines.dose.monte_carlo.statistics.TOGETHER_BYTES", 5 * 4 * water.array.size)
    parts = simulate(water, SPOT, ONE, Machine.generic(), ISO, 640, 1)
    assert np.array_equal(whole[0], parts[0])
    assert np.array_equal(whole[1], parts[1])


def test_dose_to_medium_is_energy_by_mass_and_to_water_by_stopping_power() -> None:
    """In bone of 1000 HU the two differ by RSP over density."""
    bone = Image(np.full((16, 16, 16), 1000, dtype=np.int16), np.diag([3.0, 3.0, 3.0, 1.0]))
    iso = np.full(3, 24.0)
    to_water, to_medium = (simulate(bone, SPOT, ONE, Machine.generic(), iso, 640, 1, dose_to=to)[0] for to in ("water", "medium"))
    scored = to_water > 0
    ratio = to_medium[scored] / to_water[scored]
    assert ratio == pytest.approx(ratio[0], rel=1e-5)
    assert 0.85 < ratio[0] < 0.95


def test_a_spot_of_no_weight_gets_no_proton(water: Image) -> None:
    spots = np.array([[0.0, 0.0, 0.0, 100.0], [90.0, 0.0, 0.0, 80.0]])
    both, _ = simulate(water, spots, np.array([2.0, 0.0]), Machine.generic(), ISO, 320, 1)
    alone, _ = simulate(water, spots[:1], np.array([2.0]), Machine.generic(), ISO, 320, 1)
    assert np.array_equal(both, alone)


@pytest.mark.parametrize(
    ("spots", "weights"),
    [
        (np.zeros((0, 4)), np.zeros(0)),
        (np.zeros((3, 3)), np.ones(3)),
        (np.array([[0.0, np.nan, 0, 100]]), ONE),
        (SPOT, np.ones(2)),
        (SPOT, np.array([np.nan])),
    ],
    ids=["none", "three columns", "not a number", "another number of weights", "weight not a number"],
)
def test_unusable_spots_and_weights_are_refused(water: Image, spots: np.ndarray, weights: np.ndarray) -> None:
    with pytest.raises(InputError):
        simulate(water, spots, weights, Machine.generic(), ISO, 320, 1)


@pytest.mark.parametrize("weights", [np.array([-1.0]), np.array([0.0])], ids=["negative", "all zero"])
def test_weights_without_protons_are_refused(water: Image, weights: np.ndarray) -> None:
    with pytest.raises(RangeError, match="weights from"):
        simulate(water, SPOT, weights, Machine.generic(), ISO, 320, 1)


def test_energy_outside_the_machine_names_the_valid_range(water: Image) -> None:
    with pytest.raises(RangeError, match=r"300.*60\.00 to 250\.00 MeV"):
        simulate(water, np.array([[0.0, 0, 0, 300.0]]), ONE, Machine.generic(), ISO, 320, 1)


def test_isocentre_far_outside_and_oblique_images_are_refused(water: Image) -> None:
    with pytest.raises(GeometryError, match="mm outside the grid"):
        simulate(water, SPOT, ONE, Machine.generic(), np.array([30.0, 60.0, 1000.0]), 320, 1)
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:2, :2] = 3 * np.array([[0.8, -0.6], [0.6, 0.8]])
    with pytest.raises(GeometryError, match="axes"):
        simulate(Image(water.array, affine), SPOT, ONE, Machine.generic(), ISO, 320, 1)


@pytest.mark.parametrize(("histories", "seed"), [(31, 1), (0, 1), (320, -1)])
def test_fewer_histories_than_batches_and_negative_seeds_are_refused(water: Image, histories: int, seed: int) -> None:
    with pytest.raises(RangeError, match="histories with seed"):
        simulate(water, SPOT, ONE, Machine.generic(), ISO, histories, seed)


def test_a_plan_beside_the_grid_is_an_error_and_not_a_dose_of_zero(water: Image) -> None:
    with pytest.raises(RangeError, match="aimed past"):
        simulate(water, np.array([[0.0, 900.0, 0.0, 100.0]]), ONE, Machine.generic(), ISO, 320, 1)


def test_a_range_shifter_is_refused(water: Image) -> None:
    shifted = ShiftedBeam(Machine.generic(), RangeShifter(40.0, 200.0))
    with pytest.raises(InputError, match="range shifter"):
        simulate(water, SPOT, ONE, shifted, ISO, 320, 1)


def test_another_quantity_of_dose_is_refused(water: Image) -> None:
    with pytest.raises((RangeError, TypeError)):
        getattr(simulate, "__wrapped__", simulate)(water, SPOT, ONE, Machine.generic(), ISO, 320, 1, dose_to="air")


def test_one_spot_of_many_beside_the_grid_is_an_error(water: Image) -> None:
    """Nine tenths of the plan would be lost in silence."""
    spots = np.array([[0.0, 0.0, 0.0, 100.0], [0.0, 400.0, 0.0, 100.0]])
    with pytest.raises(RangeError, match="1 of 2 spots"):
        simulate(water, spots, np.array([1.0, 9.0]), Machine.generic(), ISO, 64, 1)


@pytest.mark.parametrize(("value", "values"), [(0.001, "rsp"), (-1000.0, "hu")])
def test_an_image_without_a_body_is_refused(value: float, values: Values) -> None:
    air = Image(np.full((20, 20, 20), value, dtype=np.float32), np.diag([3.0, 3.0, 3.0, 1.0]))
    with pytest.raises(RangeError, match="no tissue"):
        simulate(air, SPOT, ONE, Machine.generic(), np.full(3, 28.5), 64, 1, values=values)
