"""Dose without a matrix is the matrix times the weights."""

import numpy as np
import pytest
from numba import get_num_threads, set_num_threads

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Image
from gemel.devices.proton import Machine
from gemel.engines.dose import forward, influence, trace
from gemel.engines.dose.layers import layers_of

MACHINE = Machine.generic()
ISO = np.array([2.0, -3.0, 1.0])


def body() -> Image:
    """Random stopping powers: depth changes from voxel to voxel."""
    affine = np.diag([3.0, 2.5, 4.0, 1.0])
    affine[:3, 3] = [-57.0, -60.0, -38.0]
    return Image(np.random.default_rng(3).uniform(0.4, 1.6, (39, 49, 20)).astype(np.float32), affine)


def grid_of_spots() -> np.ndarray:
    """Two layers of two directions on a 5 mm grid with some holes in it."""
    x, z = (a.ravel() for a in np.meshgrid(np.arange(-15, 16, 5.0), np.arange(-10, 11, 5.0)))
    spots = [np.column_stack([np.full(x.shape, g), x, z, np.full(x.shape, e)]) for g, e in ((0.0, 85.0), (0.0, 70.0), (57.0, 80.0))]
    return np.concatenate(spots)[np.random.default_rng(0).random(3 * len(x)) < 0.9]


def scattered_spots() -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.column_stack([rng.choice([0.0, 90.0], 30), rng.uniform(-15, 15, (30, 2)), rng.choice([75.0, 80.0], 30)])


@pytest.mark.parametrize("spots", [grid_of_spots(), scattered_spots()], ids=["on a grid", "scattered"])
@pytest.mark.parametrize("kept", [0.96, 0.995])
def test_it_equals_the_matrix_times_the_weights_to_rounding(spots: np.ndarray, kept: float) -> None:
    weights = np.random.default_rng(2).random(len(spots))
    expected = (influence(body(), spots, MACHINE, ISO, kept=kept).astype(np.float64) @ weights).reshape(body().shape)
    found = forward.dose_of(trace(body(), spots, MACHINE, ISO, kept=kept), weights)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-5 * expected.max()
    assert np.array_equal(found > 0, expected > 0)


def test_the_usual_cut_off_is_that_of_the_matrix() -> None:
    spots = grid_of_spots()
    weights = np.ones(len(spots))
    expected = (influence(body(), spots, MACHINE, ISO) @ weights).reshape(body().shape)
    assert np.abs(forward.dose(body(), spots, weights, MACHINE, ISO) - expected).max() < 1e-5 * expected.max()


def test_it_does_not_depend_on_the_number_of_threads() -> None:
    spots = grid_of_spots()
    weights = np.random.default_rng(2).random(len(spots))
    threads = get_num_threads()
    many = forward.dose(body(), spots, weights, MACHINE, ISO)
    try:
        set_num_threads(1)
        one = forward.dose(body(), spots, weights, MACHINE, ISO)
    finally:
        set_num_threads(threads)
    assert np.array_equal(many, one)


def test_restricted_voxels_hold_the_same_dose_and_the_others_none() -> None:
    spots = grid_of_spots()
    voxels = np.zeros(body().shape, dtype=bool)
    voxels[15:25, 20:40, 5:12] = True
    whole, some = (forward.dose(body(), spots, np.ones(len(spots)), MACHINE, ISO, voxels=v) for v in (None, voxels))
    assert np.array_equal(some, np.where(voxels, whole, 0))


def test_spots_without_weight_do_not_matter_and_spots_at_one_place_add() -> None:
    spot = np.array([[0.0, 0.0, 0.0, 80.0], [0.0, 5.0, 0.0, 80.0], [0.0, 0.0, 0.0, 80.0]])
    twice = forward.dose(body(), spot, np.array([1.0, 0.0, 2.0]), MACHINE, ISO)
    once = forward.dose(body(), spot[:1], np.array([3.0]), MACHINE, ISO)
    assert np.array_equal(twice, once)
    assert not forward.dose(body(), spot, np.zeros(3), MACHINE, ISO).any()


def test_layers_keep_every_weight_in_its_place() -> None:
    places = np.array([[5.0, 0.0], [0.0, 0.0], [0.0, 5.0], [1.0, 7.0]])
    layers = layers_of(places, np.array([1, 1, 1, 4]), np.array([1, 2, 3, 4], dtype=np.float32))
    assert layers.rows.tolist() == [1, 4]
    assert layers.weights.tolist() == [2, 1, 3, 0, 4]
    assert layers.x_mm.tolist() == [0, 5, 1]
    assert layers.z_mm.tolist() == [0, 5, 7]


def test_unusable_weights_and_voxels_are_refused() -> None:
    spots = grid_of_spots()
    for weights in (np.ones(3), np.full(len(spots), np.nan)):
        with pytest.raises(InputError, match="weights of shape"):
            forward.dose(body(), spots, weights, MACHINE, ISO)
    with pytest.raises(InputError, match="voxels of shape"):
        forward.dose(body(), spots, np.ones(len(spots)), MACHINE, ISO, voxels=np.ones((2, 2, 2), dtype=bool))


@pytest.mark.parametrize("beside", [(57.0, 900.0, 0.0), (57.0, -120.0, 0.0), (57.0, 0.0, 95.0), (0.0, 90.0, 0.0), (57.0, 75.0, 60.0)])
def test_spots_with_weight_beside_the_grid_are_refused_as_the_matrix_refuses_them(beside: tuple[float, float, float]) -> None:
    spots = np.array([[0.0, 0.0, 0.0, 80.0], [*beside, 80.0]])
    for calculate in (influence, lambda *given: forward.dose(*given[:2], np.ones(2), *given[2:])):
        with pytest.raises(RangeError, match="1 of 2 spots give no dose"):
            calculate(body(), spots, MACHINE, ISO)
    assert forward.dose(body(), spots, np.array([1.0, 0.0]), MACHINE, ISO).any()


@pytest.mark.parametrize("near", [(57.0, 60.0, 0.0), (0.0, 69.0, 0.0), (57.0, 0.0, 51.0), (90.0, 0.0, -53.0)])
def test_spots_whose_edge_reaches_the_grid_are_not_refused(near: tuple[float, float, float]) -> None:
    spots = np.array([[*near, 80.0]])
    found = forward.dose(body(), spots, np.ones(1), MACHINE, ISO)
    assert found.any()
    assert np.array_equal(np.flatnonzero(found), influence(body(), spots, MACHINE, ISO).indices)


def test_a_spot_within_the_widest_cut_that_gives_no_dose_is_an_error_as_with_the_matrix() -> None:
    """Beside the grid, where it meets shallow air alone: its cut radius there is less than at its end."""
    values = np.full((60, 50, 24), 0.001, dtype=np.float32)
    values[10:50, 10:40] = 1.0
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = [-88.5, -73.5, -34.5]
    spot = np.array([[0.0, 106.0, 0.0, 100.0]])
    for dose in (influence, lambda *at: forward.dose(*at[:2], np.ones(1), *at[2:])):
        with pytest.raises(RangeError, match="no dose"):
            dose(Image(values, affine), spot, Machine.generic(), np.zeros(3))


def test_negative_weights_are_refused() -> None:
    with pytest.raises(InputError, match="negative"):
        forward.dose(body(), grid_of_spots(), np.full(len(grid_of_spots()), -1.0), Machine.generic(), ISO)
