"""The caller's matrix: read without a copy where it can be, and the same in any format."""

import numpy as np
from scipy import sparse

from gemel.engines.optimise.columns import columns_of


def matrix():
    return sparse.random_array((30, 7), density=0.3, format="csc", dtype=np.float32, rng=np.random.default_rng(3))


def test_float32_columns_are_used_without_a_copy():
    one = matrix()
    columns = columns_of(one, "matrix")
    assert np.shares_memory(columns.data, one.data)
    assert np.shares_memory(columns.rows, one.indices)


def test_other_formats_and_precisions_mean_the_same():
    one = matrix()
    for other in (one.tocsr(), sparse.coo_matrix(one.astype(np.float64))):
        columns = columns_of(other, "matrix")
        again = sparse.csc_array((columns.data, columns.rows, columns.start), shape=(30, 7))
        np.testing.assert_array_equal(again.toarray(), one.toarray())
