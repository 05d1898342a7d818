"""Importance sampling from the mode: exact where the answer is known, honest where it is not normal."""

import numpy as np
import pytest
from jaxtyping import Float
from scipy import optimize, stats

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.inference.importance import sample
from gemel.engines.inference.least_squares import mode


def test_a_linear_model_gets_its_exact_normal_posterior() -> None:
    """z | y ~ N(P Hᵀ y, P), P = (I + HᵀH)⁻¹."""
    rng = np.random.default_rng(3)
    h, y = rng.standard_normal((6, 4)) * 2, rng.standard_normal(6)
    found = sample(lambda z: z @ h.T - y, 4, 20000, rng, a_round=20000)
    covariance = np.linalg.inv(np.eye(4) + h.T @ h)
    np.testing.assert_allclose(found.z.mean(axis=0), covariance @ h.T @ y, atol=0.02)
    np.testing.assert_allclose(np.cov(found.z.T), covariance, atol=0.02 * np.abs(covariance).max() + 0.005)
    assert found.effective > 0.5 * found.proposed
    exact = -0.5 * (y @ np.linalg.solve(np.eye(6) + h @ h.T, y) + np.linalg.slogdet(np.eye(6) + h @ h.T)[1])
    assert found.log_evidence == pytest.approx(exact, abs=0.01)


def test_the_mode_of_a_curved_valley_is_found() -> None:
    """Rosenbrock's valley (1960, Comput J 3:175) with a weak prior: residuals vanish at (1, 1), where only the prior pulls."""

    def residuals(z: Float[Array, "n d"]) -> Float[Array, "n m"]:
        return np.stack([100 * (z[:, 1] - z[:, 0] ** 2), 10 * (1 - z[:, 0])], axis=1)

    found = mode(residuals, np.array([[-1.2, 1.0]]), steps=200)
    x = optimize.brentq(lambda x: x + 2 * x**3 - 100 * (1 - x), 0.0, 1.0)  # on the floor of the valley, y = x²
    np.testing.assert_allclose(found.z, [x, x**2], atol=3e-4)


def test_a_bent_posterior_is_reproduced() -> None:
    """y = z₁ + z₂² within 0.1: the marginal of z₁ against quadrature."""
    rng = np.random.default_rng(8)
    found = sample(lambda z: (z[:, :1] + z[:, 1:] ** 2 - 1.5) / 0.1, 2, 4000, rng, a_round=8000)
    axis = np.linspace(-6, 6, 2401)
    one, two = np.meshgrid(axis, axis, indexing="ij")
    density = np.exp(-0.5 * (one**2 + two**2 + ((one + two**2 - 1.5) / 0.1) ** 2)).sum(axis=1)
    cdf = np.cumsum(density) / density.sum()
    difference = stats.kstest(found.z[:, 0], lambda x: np.interp(x, axis, cdf)).statistic
    assert difference < 0.06


def test_ranks_of_the_truth_are_uniform_in_a_model_of_decaying_exponentials() -> None:
    """Simulation-based calibration (Talts et al. 2018): A exp(−kt) with log-normal A and k, three noisy values of 10 %."""
    rng, t = np.random.default_rng(21), np.array([4.0, 24.0, 96.0])
    ranks = []
    for _ in range(300):
        truth = rng.standard_normal((1, 2))

        def predicted(z: Float[Array, "n d"]) -> Float[Array, "n m"]:
            return 100 * np.exp(0.5 * z[:, :1]) * np.exp(-0.02 * np.exp(0.4 * z[:, 1:]) * t)

        clean = predicted(truth)
        seen = clean + 0.1 * clean * rng.standard_normal(clean.shape)
        sd = 0.1 * clean
        found = sample(lambda z: (predicted(z) - seen) / sd, 2, 199, rng, a_round=1000)  # noqa: B023
        ranks.append((found.z < truth).sum(axis=0))
    for column in np.array(ranks).T:
        counts = np.histogram(column, bins=10, range=(0, 200))[0]
        assert stats.chisquare(counts).pvalue > 0.005
        assert 0.85 < np.mean((column >= 10) & (column < 190)) < 0.95


def test_parameters_outside_their_range_are_never_drawn() -> None:
    """Residuals that are infinite below zero leave only draws above it."""
    found = sample(lambda z: np.where(z > 0, z - 0.5, np.inf), 1, 500, np.random.default_rng(1))
    assert (found.z > 0).all()


def test_data_that_nothing_explains_are_refused() -> None:
    """No finite residual anywhere."""
    with pytest.raises(RangeError, match="no parameters explain"):
        sample(lambda z: np.full((len(z), 1), np.inf), 2, 100, np.random.default_rng(1))


def test_means_of_the_same_posterior_differ_far_less_than_those_of_independent_draws() -> None:
    """Low-discrepancy proposals: the variance of a mean over sixteen generators against 1/effective, what independent draws would have."""
    rng = np.random.default_rng(5)
    h, y = rng.standard_normal((8, 12)), 2 * rng.standard_normal(8)
    covariance = np.linalg.inv(np.eye(12) + h.T @ h)
    found = [sample(lambda z: z @ h.T - y, 12, 16384, np.random.default_rng(seed), a_round=4096) for seed in range(16)]
    error = np.array([s.z.mean(axis=0) for s in found]) - covariance @ h.T @ y
    variance = np.square(error).mean(axis=0) / np.diagonal(covariance)
    assert variance.mean() * np.mean([s.effective for s in found]) < 0.4
