"""Inverses of small matrices with and without null spaces."""

import numpy as np
import pytest

from gemel.core.image import Array
from gemel.engines.pde.pseudo_inverse import pseudo_inverse


def network(weights: Array) -> Array:
    """Laplacian of a graph."""
    return np.asarray(np.diag(weights.sum(axis=0)) - weights)


def random_weights(n: int, seed: int) -> Array:
    w = np.triu(np.random.default_rng(seed).uniform(size=(n, n)) ** 4, 1)
    return np.asarray(w + w.T)


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_as_by_eigenvalues(loss: float) -> None:
    """Two parts that nothing joins, each afloat or held by a loss, as numpy has it."""
    w = np.zeros((23, 23))
    w[:14, :14], w[14:, 14:] = random_weights(14, 0), random_weights(9, 1)
    matrix = network(w) + loss * np.eye(23)
    np.testing.assert_allclose(pseudo_inverse(matrix), np.linalg.pinv(matrix, rcond=1e-9, hermitian=True), atol=1e-9)


def test_weak_parts_are_not_taken_for_nothing() -> None:
    """A part that conducts 1e-8 of another is inverted by its own measure; eigenvalues against the largest would leave it out."""
    weak = network(random_weights(6, 2)) * 1e-8 + 1e-9 * np.eye(6)
    matrix = np.zeros((12, 12))
    matrix[:6, :6], matrix[6:, 6:] = network(random_weights(6, 3)) + np.eye(6), weak
    found = pseudo_inverse(matrix)
    np.testing.assert_allclose(found[6:, 6:] @ weak, np.eye(6), atol=1e-6)
    np.testing.assert_allclose(found, found.T, rtol=1e-6, atol=1e-6 * np.abs(found).max())


def test_single_precision_sums_make_no_pivot() -> None:
    """Rows that sum to 0 but for rounding keep their null space."""
    w = random_weights(40, 4).astype(np.float32)
    matrix = np.diag(w.sum(axis=0)) - w
    assert np.abs(pseudo_inverse(matrix.astype(np.float64)) @ np.ones(40)).max() < 1e-4
