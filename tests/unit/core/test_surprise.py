"""Ranks, alarms and scores of what came within what was forecast."""

import numpy as np
import pytest
from scipy import stats

from gemel.core.errors import InputError
from gemel.core.forecast import Forecast
from gemel.core.record import Observation
from gemel.core.surprise import ALARM, Surprise, crps, is_alarm, surprise


def forecast(draws: np.ndarray) -> Forecast:
    return Forecast("m", 0.0, 1.0, (), {"height_mm": draws})


def seen(*values: float, sd: float = 0.5) -> Observation:
    return Observation("height_mm", 1.0, np.array(values), np.full(len(values), sd), "s")


def test_the_rank_is_that_of_a_normal_forecast() -> None:
    """Draws N(0, 2²) seen with sd 0.5: the predictive is N(0, 4.25), within the error of 20 000 draws."""
    draws = np.random.default_rng(1).normal(0.0, 2.0, (20_000, 2))
    found = surprise(forecast(draws), seen(1.0, -3.0))
    wanted = stats.norm.cdf(np.array([1.0, -3.0]) / np.sqrt(4.25))
    assert found.rank == pytest.approx(wanted, abs=0.01)
    assert found.tail == pytest.approx(2 * np.minimum(wanted, 1 - wanted), abs=0.02)


def test_the_score_is_that_of_a_normal_forecast() -> None:
    """CRPS of N(0, 1) at y: y(2Φ(y) − 1) + 2φ(y) − 1/√π. Gneiting & Raftery 2007, JASA 102:359, eq. 21."""
    y = 0.7
    exact = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi)
    draws = np.random.default_rng(2).standard_normal((20_000, 1))
    assert crps(draws, np.array([y]))[0] == pytest.approx(exact, abs=0.01)


def test_an_alarm_counts_the_components() -> None:
    """A tail of 0.004 alarms alone, and not among three: 3 × 0.004 > 0.01."""

    def found(*tails: float) -> Surprise:
        nothing = np.zeros(len(tails))
        return Surprise("height_mm", 0.0, nothing, np.array(tails), nothing)

    assert ALARM == 0.01
    assert is_alarm(found(0.004))
    assert not is_alarm(found(0.004, 0.5, 0.5))
    assert is_alarm(found(0.003, 0.5, 0.5))


def test_what_was_not_forecast_is_refused() -> None:
    with pytest.raises(InputError, match="no forecast of 'width_mm'"):
        surprise(forecast(np.zeros((5, 1))), Observation("width_mm", 1.0, np.zeros(1), np.ones(1), "s"))
    with pytest.raises(InputError, match="shape"):
        surprise(forecast(np.zeros((5, 1))), seen(1.0, 2.0))
