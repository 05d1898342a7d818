"""k-medoids: exact on small sets, the same for a seed, groups and weights that agree, and what is refused."""

from itertools import combinations

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.engines.medoids import k_medoids


def mean_distance(points, chosen):
    return np.linalg.norm(points[:, None] - points[None, list(chosen)], axis=2).min(axis=1).mean()


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_finds_the_best_of_all_choices(k, seed):
    points = np.random.default_rng(seed).normal(size=(18, 2))
    best = min(mean_distance(points, chosen) for chosen in combinations(range(18), k))
    found = k_medoids(points, k, np.random.default_rng(seed))
    assert found.cost == pytest.approx(best, rel=1e-5)
    assert found.cost == pytest.approx(mean_distance(points, found.indices), rel=1e-5)


def test_groups_that_stand_apart_are_found_with_their_shares():
    rng = np.random.default_rng(5)
    centres, sizes = np.array([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.0, 9.0, 5.0]]), [50, 30, 20]
    points = np.concatenate([c + rng.normal(size=(n, 3)) for c, n in zip(centres, sizes)])
    found = k_medoids(points, 3, rng)
    np.testing.assert_allclose(found.weights, [0.5, 0.3, 0.2])
    np.testing.assert_array_equal(found.labels, np.repeat([0, 1, 2], sizes))
    assert (found.labels[found.indices] == [0, 1, 2]).all()
    assert np.linalg.norm(points[found.indices] - centres, axis=1).max() < 1.0


def test_each_point_belongs_to_its_nearest_medoid():
    points = np.random.default_rng(6).normal(size=(200, 4))
    found = k_medoids(points, 7, np.random.default_rng(0))
    distance = np.linalg.norm(points[:, None] - points[found.indices][None], axis=2)
    np.testing.assert_array_equal(found.labels, distance.argmin(axis=1))
    np.testing.assert_allclose(found.weights, np.bincount(found.labels, minlength=7) / 200)
    assert (np.diff(found.weights) <= 0).all()


def test_no_swap_of_a_medoid_is_better():
    points = np.random.default_rng(7).normal(size=(60, 3))
    found = k_medoids(points, 5, np.random.default_rng(0))
    swapped = [np.r_[np.delete(found.indices, i), other] for i in range(5) for other in range(60)]
    assert min(mean_distance(points, chosen) for chosen in swapped) >= found.cost * (1 - 1e-5)


def test_same_seed_same_medoids():
    points = np.random.default_rng(8).normal(size=(150, 3))
    one, two = (k_medoids(points, 6, np.random.default_rng(42)) for _ in range(2))
    np.testing.assert_array_equal(one.indices, two.indices)
    np.testing.assert_array_equal(one.labels, two.labels)


def test_repeated_points_make_no_empty_group():
    points = np.repeat(np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]]), [10, 3, 1], axis=0)
    found = k_medoids(points, 3, np.random.default_rng(0))
    assert found.cost == 0.0
    np.testing.assert_allclose(found.weights, [10 / 14, 3 / 14, 1 / 14])


@pytest.mark.parametrize("k", [0, 4])
def test_more_medoids_than_distinct_points_are_refused(k):
    with pytest.raises(RangeError, match="3 distinct points"):
        k_medoids(np.array([[0.0], [0.0], [1.0], [2.0]]), k, np.random.default_rng(0))


def test_points_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="finite"):
        k_medoids(np.array([[0.0], [np.nan]]), 1, np.random.default_rng(0))
