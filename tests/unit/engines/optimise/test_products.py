"""Sparse products: the same as scipy's, on all rows and on kept ones, and independent of the number of threads."""

import numba
import numpy as np
import pytest
from scipy import sparse

from gemel.engines.optimise.products import dose_Gy, restrict, spot_gradient, weighted_squares
from gemel.engines.optimise.setup import columns_of


@pytest.fixture
def matrix():
    rng = np.random.default_rng(3)
    return sparse.random_array((300, 37), density=0.2, format="csc", dtype=np.float32, rng=rng)


def test_products_agree_with_scipy(matrix):
    rng, columns = np.random.default_rng(4), columns_of(matrix, "matrix")
    weights, slope = rng.random(37) * (rng.random(37) > 0.3), rng.normal(size=300)
    np.testing.assert_allclose(dose_Gy(columns, weights), matrix @ weights, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(spot_gradient(columns, slope), matrix.T @ slope, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(weighted_squares(columns, slope**2), matrix.power(2).T @ slope**2, rtol=1e-5)


def test_kept_rows_are_the_rows_of_the_full_product(matrix):
    kept = np.array([2, 5, 120, 299])
    position = np.full(300, -1)
    position[kept] = np.arange(4)
    few = restrict(columns_of(matrix, "matrix"), position, 4)
    weights = np.random.default_rng(5).random(37)
    np.testing.assert_allclose(dose_Gy(few, weights), (matrix @ weights)[kept], rtol=1e-5)
    assert few.data.size == matrix.tocsr()[kept].nnz


def test_float32_columns_are_used_without_a_copy(matrix):
    columns = columns_of(matrix, "matrix")
    assert np.shares_memory(columns.data, matrix.data)
    assert np.shares_memory(columns.rows, matrix.indices)
    assert columns.nbytes == 8 * matrix.nnz + 8 * 38


def test_other_formats_and_precisions_mean_the_same(matrix):
    weights = np.ones(37)
    doses = [dose_Gy(columns_of(m, "matrix"), weights) for m in (matrix, matrix.tocsr(), sparse.coo_matrix(matrix.astype(np.float64)))]
    np.testing.assert_array_equal(doses[0], doses[1])
    np.testing.assert_array_equal(doses[0], doses[2])


def test_products_do_not_depend_on_the_number_of_threads(matrix):
    columns, weights, slope = columns_of(matrix, "matrix"), np.linspace(0, 1, 37), np.linspace(-1, 1, 300)
    before = numba.get_num_threads()
    results = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        results.append((dose_Gy(columns, weights), spot_gradient(columns, slope)))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
