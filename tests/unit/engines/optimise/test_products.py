"""Products with packed rows: the same as scipy's, over any blocks, and independent of the number of threads."""

import numba
import numpy as np
import pytest
from scipy import sparse

from gemel.engines.optimise import products
from gemel.engines.optimise.columns import columns_of
from gemel.engines.optimise.packing import packed, stacked
from gemel.engines.optimise.products import Terms, blocks_of, judged, spot_gradient, weighted_squares

NOTHING = Terms(np.zeros(300, np.int32), np.zeros(2, np.int64), np.empty(0), np.empty(0), np.empty(0))


@pytest.fixture
def matrix():
    rng = np.random.default_rng(3)
    return sparse.random_array((300, 37), density=0.2, format="csc", dtype=np.float32, rng=rng)


@pytest.fixture
def rows(matrix):
    return packed(columns_of(matrix, "matrix"), np.arange(300))


def test_products_agree_with_scipy(matrix, rows):
    rng, blocks = np.random.default_rng(4), blocks_of(rows, [300])
    weights, slope = rng.random(37) * (rng.random(37) > 0.3), rng.normal(size=300)
    np.testing.assert_allclose(judged(rows, blocks, NOTHING, weights)[0], matrix @ weights, rtol=5e-5, atol=1e-5)
    np.testing.assert_allclose(spot_gradient(rows, blocks, slope), matrix.T @ slope, atol=1e-4)
    np.testing.assert_allclose(weighted_squares(rows, blocks, slope**2), matrix.power(2).T @ slope**2, rtol=1e-4)


def test_penalties_voxel_by_voxel(matrix, rows):
    """Two kinds of rows: h·(d − D)² on both sides of 1 Gy, and above 0.5 and 2 Gy; by hand from the dose."""
    kind = (np.arange(300) % 2).astype(np.int32)
    terms = Terms(kind, np.array([0, 1, 3]), np.array([1.0, 0.5, 2.0]), np.array([3.0, 1.0, 4.0]), np.array([2.0, 0.0, 0.0]))
    dose, slope, total = judged(rows, blocks_of(rows, [300]), terms, np.ones(37))
    r, over = dose - 1.0, [np.maximum(dose - level, 0.0) for level in (0.5, 2.0)]
    value = np.where(kind == 0, np.where(r > 0, 3.0, 2.0) * r**2, over[0] ** 2 + 4.0 * over[1] ** 2)
    by_hand = np.where(kind == 0, 2 * np.where(r > 0, 3.0, 2.0) * r, 2 * over[0] + 8.0 * over[1])
    assert total.sum() == pytest.approx(value.sum(), rel=1e-12)
    np.testing.assert_allclose(slope, by_hand, rtol=1e-12)


@pytest.mark.parametrize("least", [16, 200, 10**6])
def test_blocks_cover_each_part_once(rows, monkeypatch, least):
    monkeypatch.setattr(products, "LEAST", least)
    ends = [0, 120, 121, 300]
    blocks = blocks_of(rows, ends)
    assert (blocks.first[0], blocks.first[-1]) == (0, 300)
    assert (np.diff(blocks.first) >= 0).all()
    for part, (begin, end) in enumerate(zip([0, *ends], ends)):
        mine = np.flatnonzero(blocks.part == part)
        assert (blocks.first[mine[0]], blocks.first[mine[-1] + 1]) == (begin, end)


def test_products_do_not_depend_on_the_number_of_threads(matrix, monkeypatch):
    """Also where a matrix is large enough for more than one."""
    monkeypatch.setattr(products, "SMALL", 0)
    monkeypatch.setattr(products, "LEAST", 64)
    one = packed(columns_of(matrix, "matrix"), np.arange(300))
    rows = stacked(one, packed(columns_of(matrix, "matrix"), np.arange(300)))
    blocks, terms = blocks_of(rows, [300, 600]), Terms(np.zeros(600, np.int32), np.array([0, 1]), np.ones(1), np.ones(1), np.ones(1))
    weights, slope, before = np.linspace(0, 1, 37), np.linspace(-1, 1, 600), numba.get_num_threads()
    results = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        results.append((*judged(rows, blocks, terms, weights), spot_gradient(rows, blocks, slope)))
    assert len(blocks.part) > 8
    for first, second in zip(*results):
        np.testing.assert_array_equal(first, second)
