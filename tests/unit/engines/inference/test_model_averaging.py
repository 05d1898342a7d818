"""Models weighed by what they foretold: scores in closed form, weights by Bayes' rule, draws in proportion."""

import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.core.parameter import Parameter
from gemel.core.record import Observation
from gemel.engines.inference.averaging import log_score, mixed, weights
from gemel.engines.inference.identifiability import narrowing


def seen(value: float, sd: float) -> Observation:
    return Observation("x_1", 0.0, np.array([value]), np.array([sd]), "test")


def test_the_score_is_the_log_predictive_density() -> None:
    """Normal draws N(1, 2²), seen at 3 with sd 1.5: ln N(3; 1, 2² + 1.5²), within 0.02 with 200,000 draws."""
    draws = {"x_1": 1 + 2 * np.random.default_rng(0).standard_normal((200_000, 1))}
    variance = 2.0**2 + 1.5**2
    exact = -0.5 * (3 - 1) ** 2 / variance - 0.5 * np.log(2 * np.pi * variance)
    assert log_score(draws, (seen(3.0, 1.5),)) == pytest.approx(exact, abs=0.02)


def test_weights_are_those_of_bayes() -> None:
    found = weights({"a": -10.0, "b": -11.0}, {"a": 0.25, "b": 0.75})
    odds = 0.25 / 0.75 * np.e
    assert found["a"] == pytest.approx(odds / (1 + odds))
    assert sum(weights({"a": -1e4, "b": 0.0, "c": 0.0}).values()) == pytest.approx(1.0)


def test_draws_are_mixed_in_proportion() -> None:
    draws = {"a": np.zeros((1000, 2)), "b": np.ones((1000, 2))}
    found = mixed(draws, {"a": 0.3, "b": 0.7}, np.random.default_rng(1))
    assert found.shape == (1000, 2)
    assert found.mean() == pytest.approx(0.7, abs=1e-3)
    with pytest.raises(InputError, match="weights of"):
        mixed(draws, {"a": 1.0}, np.random.default_rng(1))


def test_what_was_not_forecast_cannot_be_scored() -> None:
    with pytest.raises(InputError, match="no forecast"):
        log_score({"y_1": np.zeros((3, 1))}, (seen(0.0, 1.0),))


def test_narrowing_is_on_the_scale_of_the_prior() -> None:
    rng, half = np.random.default_rng(2), Parameter("k_1_d", "lognormal", 1.0, 0.5, (0.01, 100.0), "a test of the scale")
    prior, posterior = np.exp(0.5 * rng.standard_normal(20_000)), np.exp(1 + 0.25 * rng.standard_normal(20_000))
    assert narrowing(half, prior, posterior) == pytest.approx(0.5, rel=0.02)
