from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

from gemel.core.errors import GeometryError
from gemel.core.image import Image, world_mm
from gemel.engines.registration import (
    DisplacementField,
    compose,
    exponential,
    invert,
    jacobian,
    pull,
    pull_fraction,
    pull_mask,
    resample,
    rigid_map,
    translation,
    zero_field,
)  # fmt: skip


def linear(grid: Image, matrix: np.ndarray, every: int = 2) -> DisplacementField:
    """v(x) = matrix x."""
    nodes = zero_field(grid, every)
    index = np.argwhere(np.ones(nodes.shape, bool)).astype(float)
    x = index @ nodes.affine_mm[:3, :3].T + nodes.affine_mm[:3, 3]
    return DisplacementField((x @ matrix.T).reshape(*nodes.shape, 3).astype(np.float32), nodes.affine_mm)


def test_pulling_by_a_whole_voxel_shifts_the_array(planning: Image) -> None:
    shift = translation(zero_field(planning, 2), np.array([5.0, 0.0, -10.0]))
    np.testing.assert_allclose(pull(planning, shift).array[:-1, :, 2:], planning.array[1:, :, :-2], atol=1e-2)


def test_outside_the_image_is_the_nearest_edge_or_the_value_asked_for() -> None:
    image = Image(np.arange(4, dtype=np.float32).reshape(4, 1, 1) + 1, np.eye(4))
    away = translation(zero_field(image), np.array([2.0, 0.0, 0.0]))
    np.testing.assert_array_equal(pull(image, away).array.ravel(), (3, 4, 4, 4))
    np.testing.assert_array_equal(pull(image, away, outside=-7.0).array.ravel(), (3, 4, -7, -7))


def test_a_ramp_is_pulled_exactly_onto_another_oblique_grid(grid: Image) -> None:
    slope = np.array([1.0, -2.0, 0.5])
    points = world_mm(grid, np.argwhere(np.ones(grid.shape, bool)).astype(float))
    ramp = replace(grid, array=(points @ slope).reshape(grid.shape).astype(np.float32))
    turn = np.array([[0.8, -0.6, 0, 5.0], [0.6, 0.8, 0, -3.0], [0, 0, 2.0, 1.0], [0, 0, 0, 1]])
    onto = Image(np.zeros((9, 8, 7), np.float32), turn)
    expected = world_mm(onto, np.argwhere(np.ones(onto.shape, bool)).astype(float)) @ slope + slope @ (1.0, 2.0, 3.0)
    shift = translation(zero_field(grid, 4), np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(pull(ramp, shift, onto=onto).array.ravel(), expected, atol=1e-3)
    assert np.allclose(resample(ramp, onto, outside=0.0).array.ravel(), expected - slope @ (1.0, 2.0, 3.0), atol=1e-3)


def test_nearest_resampling_invents_no_labels(planning: Image) -> None:
    labels = replace(planning, array=(np.arange(planning.array.size).reshape(planning.shape) % 5).astype(np.float32))
    finer = Image(np.zeros((50, 40, 30), np.float32), np.diag([1.3, 1.3, 1.3, 1.0]))
    assert set(np.unique(resample(labels, finer, outside=None, nearest=True).array)) <= {0, 1, 2, 3, 4}


def test_composition_pulls_in_one_step_what_two_pulls_do(grid: Image, filling: DisplacementField) -> None:
    points = world_mm(grid, np.argwhere(np.ones(grid.shape, bool)).astype(float))
    smooth = replace(grid, array=np.sin(points @ (0.02, 0.03, 0.01)).reshape(grid.shape).astype(np.float32))
    turn = rigid_map(zero_field(grid, 2), expm(np.array([[0, -0.05, 0], [0.05, 0, 0], [0, 0, 0]])), np.zeros(3), np.array([3.0, -2, 1]))
    outer, inner = exponential(filling), turn
    twice = pull(pull(smooth, outer), inner).array[4:-4, 4:-4, 4:-4]
    once = pull(smooth, compose(outer, inner)).array[4:-4, 4:-4, 4:-4]
    swapped = pull(smooth, compose(inner, outer)).array[4:-4, 4:-4, 4:-4]
    assert np.abs(twice - once).max() < 0.02 < np.abs(twice - swapped).max()


def test_the_exponential_of_a_linear_velocity_is_the_matrix_exponential(grid: Image) -> None:
    matrix = np.array([[-0.3, 0.2, 0.0], [-0.1, -0.2, 0.1], [0.0, 0.05, -0.4]])
    flow = exponential(linear(grid, matrix), 8)
    expected = linear(grid, expm(matrix) - np.eye(3)).vectors_mm
    assert np.abs(flow.vectors_mm - expected).max() < 0.1  # mm, of up to 60
    assert np.abs(linear(grid, matrix).vectors_mm - expected).max() > 5
    np.testing.assert_allclose(jacobian(flow), np.exp(np.trace(matrix)), rtol=0.01)


def test_opposite_velocities_undo_each_other(filling: DisplacementField) -> None:
    there, back = exponential(filling), exponential(replace(filling, vectors_mm=-filling.vectors_mm))
    assert np.percentile(np.abs(compose(there, back).vectors_mm), 99) < 0.6
    assert np.abs(there.vectors_mm).max() > 8


def test_the_inverse_meets_the_field_again(filling: DisplacementField) -> None:
    field = exponential(filling)
    assert np.abs(compose(field, invert(field)).vectors_mm).max() < 1e-2


def test_fractions_keep_the_volume_that_the_jacobian_states(grid: Image, sac: np.ndarray) -> None:
    field = linear(grid, 0.25 * np.eye(3))  # pull by 1.25: everything shrinks to 1/1.25³
    fraction = pull_fraction(sac, grid, field)
    assert fraction.sum() / sac.sum() == pytest.approx(1 / 1.25**3, rel=0.02)
    assert (pull_mask(sac, grid, field) == (fraction >= 0.5)).all()


def test_a_mask_of_another_grid_is_refused(grid: Image) -> None:
    with pytest.raises(GeometryError, match="a mask of shape"):
        pull_mask(np.ones((3, 3, 3), bool), grid, zero_field(grid))
