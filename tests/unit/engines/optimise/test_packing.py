"""Packed rows: what rounding costs, and that stacking, thinning and selecting keep rows whole."""

import numpy as np
import pytest
from scipy import sparse

from gemel.engines.optimise.columns import columns_of
from gemel.engines.optimise.packing import empty, packed, selected, stacked, thinned


@pytest.fixture
def matrix():
    rng = np.random.default_rng(3)
    return sparse.random_array((300, 37), density=0.2, format="csc", dtype=np.float32, rng=rng)


def dense(rows):
    values = np.zeros((rows.n_rows, rows.n_spots))
    owner = np.repeat(np.arange(rows.n_rows), np.diff(rows.start))
    values[owner, rows.spot] = rows.scale[owner] * rows.value.astype(float)
    return values


def test_values_are_kept_to_half_a_step_of_their_row(matrix):
    """A step is 1/65535 of the largest value of the row; the largest itself is kept to float32."""
    rows, exact = packed(columns_of(matrix, "matrix"), np.arange(300)), matrix.toarray().astype(float)
    step = exact.max(axis=1) / 65535
    assert (np.abs(dense(rows) - exact) <= 0.501 * step[:, None]).all()
    np.testing.assert_allclose(dense(rows).max(axis=1), exact.max(axis=1), rtol=2e-7)


def test_four_bytes_a_non_zero(matrix):
    rows = packed(columns_of(matrix, "matrix"), np.arange(300))
    assert rows.nbytes == 4 * matrix.nnz + 8 * 301 + (4 + 4) * 300


def test_only_kept_rows_are_held_and_named(matrix):
    kept = np.array([2, 5, 120, 299])
    rows = packed(columns_of(matrix, "matrix"), kept)
    np.testing.assert_array_equal(rows.voxel, kept)
    np.testing.assert_allclose(dense(rows), matrix.toarray()[kept], atol=1e-5)


def test_stack_is_one_under_the_other(matrix):
    columns = columns_of(matrix, "matrix")
    stack = empty(37)
    for kept in (np.arange(10), np.arange(50, 55)):
        stack = stacked(stack, packed(columns, kept))
    np.testing.assert_array_equal(dense(stack), dense(packed(columns, np.r_[0:10, 50:55])))


def test_thinning_in_place_is_selecting(matrix):
    keep = np.random.default_rng(0).random(300) > 0.4
    rows = packed(columns_of(matrix, "matrix"), np.arange(300))
    copy, exact = selected(rows, keep, np.arange(37)), dense(rows)[keep]
    less = thinned(rows, keep)
    for one in (copy, less):
        np.testing.assert_array_equal(dense(one), exact)
        np.testing.assert_array_equal(one.voxel, np.flatnonzero(keep))
    assert less.value.size == np.count_nonzero(exact)


def test_spots_are_selected_and_renumbered(matrix):
    rows = packed(columns_of(matrix, "matrix"), np.arange(300))
    some = np.array([0, 4, 30, 36])
    np.testing.assert_array_equal(dense(selected(rows, np.ones(300, bool), some)), dense(rows)[:, some])
