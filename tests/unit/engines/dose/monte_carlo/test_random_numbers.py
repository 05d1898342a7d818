"""Random numbers: uniform, independent between histories, given by seed and history alone."""

import numpy as np
import pytest
from numba import njit
from scipy.stats import kstest

from gemel.engines.dose.monte_carlo.random_numbers import normal_pair, stream, uniform
from gemel.engines.dose.monte_carlo.tables import water_tables


@njit
def _uniforms(seed, histories, draws):
    out = np.empty((histories, draws))
    for h in range(histories):
        state, increment = stream(np.uint64(seed), np.uint64(h))
        for d in range(draws):
            state, out[h, d] = uniform(state, increment)
    return out


@njit
def _normals(draws):
    out = np.empty((draws, 2))
    state, increment = stream(np.uint64(5), np.uint64(0))
    for d in range(draws):
        state, out[d, 0], out[d, 1] = normal_pair(state, increment)
    return out


def test_uniform_within_and_between_histories() -> None:
    drawn = _uniforms(3, 400, 400)
    assert drawn.min() > 0
    assert drawn.max() < 1
    assert all(kstest(row, "uniform").pvalue > 1e-6 for row in (drawn[0], drawn[:, 0], drawn.ravel()))
    together = np.corrcoef(drawn)
    assert np.abs(together - np.eye(400)).max() < 5.5 / np.sqrt(400)
    assert abs(np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]) < 5 / np.sqrt(drawn.size)


def test_seed_and_history_fix_the_numbers_and_nothing_is_shared() -> None:
    assert np.array_equal(_uniforms(3, 5, 5), _uniforms(3, 9, 5)[:5])
    both = np.concatenate([_uniforms(3, 200, 50).ravel(), _uniforms(4, 200, 50).ravel()])
    assert len(np.unique(both)) == both.size


def test_normal_numbers() -> None:
    drawn = _normals(50_000)
    assert drawn.mean() == pytest.approx(0, abs=0.015)
    assert drawn.std() == pytest.approx(1, abs=0.01)
    assert kstest(drawn.ravel(), "norm").pvalue > 1e-6
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.02


def test_tabulated_normal_numbers_have_the_moments_of_the_normal_law() -> None:
    table = water_tables().normals.astype(np.float64)
    assert np.mean(table) == pytest.approx(0, abs=1e-6)
    assert np.mean(table**2) == pytest.approx(1, rel=1e-5)
    assert np.mean(table**4) == pytest.approx(3, rel=0.01)
