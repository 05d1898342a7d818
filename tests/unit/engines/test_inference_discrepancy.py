"""The discrepancy of a model: its density is that of the joint normal, its draws have the conditional moments, its steps compose."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from gemel.engines.inference.discrepancy import Seen, drawn, stepped, whitened

SEEN = Seen(np.array([0.0, 0.0, 5.0, 12.0]), np.array([0.1, 0.2, 0.1, 0.3]), 10.0)
ERRORS = np.array([[0.2, -0.1, 0.3, 0.05]])


def test_whitened_columns_hold_the_log_density():
    sigma = np.array([0.05, 0.2, 1.0])
    r = whitened(SEEN, sigma, np.repeat(ERRORS, 3, axis=0))
    found = -0.5 * np.square(r).sum(axis=1)
    expected = [multivariate_normal(np.zeros(4), c).logpdf(ERRORS[0]) for c in SEEN.covariance(sigma)]
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-9)


def test_draws_have_the_conditional_mean_and_spread():
    n, sigma, at = 200_000, 0.4, 14.0
    held = drawn(SEEN, np.full(n, sigma), np.repeat(ERRORS, n, axis=0), at, np.random.default_rng(0))
    joint = SEEN.covariance(np.array([sigma]))[0]
    cross = sigma**2 * np.exp(-np.abs(SEEN.times_s - at) / SEEN.memory_s)
    assert held.mean() == pytest.approx(cross @ np.linalg.solve(joint, ERRORS[0]), abs=0.004)
    assert held.std() == pytest.approx(np.sqrt(sigma**2 - cross @ np.linalg.solve(joint, cross)), rel=0.01)


def test_two_steps_are_one():
    n, sigma, rng = 200_000, np.full(200_000, 0.5), np.random.default_rng(1)
    start = np.full(n, 1.0)
    one = stepped(start, sigma, 0.48, rng)
    two = stepped(stepped(start, sigma, 0.8, rng), sigma, 0.6, rng)
    assert two.mean() == pytest.approx(one.mean(), abs=0.005)
    assert two.std() == pytest.approx(one.std(), rel=0.01)
