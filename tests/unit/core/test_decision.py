"""Forecasts, surprise and decisions."""

import numpy as np
import pytest
from scipy import stats

from gemel.core.decision import Goal, Limit, decide
from gemel.core.errors import InputError
from gemel.core.forecast import Forecast, interval
from gemel.core.record import Observation
from gemel.core.surprise import crps, surprise


def made(name: str, **values: np.ndarray) -> Forecast:
    return Forecast(name, 0.0, 1.0, (), values)


GOAL = Goal(lambda v: v["good"], (Limit("harm", "<=", 1.0, 0.9),))


def test_the_best_feasible_plan_leads_and_the_reason_says_so() -> None:
    good, safe, harmful = np.full(100, 5.0), np.zeros(100), np.full(100, 2.0)
    decision = decide({"a": made("a", good=good, harm=safe), "b": made("b", good=good + 9, harm=harmful)}, GOAL)
    assert decision.recommended == "a"
    assert [o.feasible for o in decision.options] == [True, False]
    assert "every limit is met" in decision.reason
    assert "best of 2, limits aside, in 0% of draws" in decision.reason
    assert "best of 1 in 100% of draws" in decide({"a": made("a", good=good, harm=safe)}, GOAL).reason


def test_without_a_feasible_plan_the_least_harm_leads_and_is_named() -> None:
    good = np.ones(100)
    often, seldom = np.where(np.arange(100) < 80, 2.0, 0.0), np.where(np.arange(100) < 20, 2.0, 0.0)
    decision = decide({"often": made("a", good=9 * good, harm=often), "seldom": made("b", good=good, harm=seldom)}, GOAL)
    assert decision.recommended == "seldom"
    assert "no plan meets every limit" in decision.reason
    assert "harm <= 1 (P = 80%)" in decision.reason


def test_probability_of_being_best_counts_common_draws() -> None:
    u = np.arange(100.0)
    decision = decide({"a": made("a", good=u, harm=0 * u), "b": made("b", good=0 * u + 29.5, harm=0 * u)}, GOAL)
    assert {o.name: o.p_best for o in decision.options} == {"a": 0.7, "b": 0.3}


def test_nothing_to_decide_or_uncommon_draws_are_refused() -> None:
    with pytest.raises(InputError, match="no forecasts"):
        decide({}, GOAL)
    with pytest.raises(InputError, match="draws"):
        decide({"a": made("a", good=np.ones(3), harm=np.ones(3)), "b": made("b", good=np.ones(4), harm=np.ones(4))}, GOAL)


def test_crps_of_a_normal_matches_its_closed_form() -> None:
    """Gneiting & Raftery 2007, eq. 21: z(2Φ(z) − 1) + 2φ(z) − 1/√π."""
    draws = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    z = 0.7
    closed = z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi)
    assert float(crps(draws, np.array(z))) == pytest.approx(closed, rel=2e-3)


def test_the_rank_counts_the_observation_error() -> None:
    draws = np.random.default_rng(0).normal(0, 3, (20000, 1))
    seen = Observation("x", 1.0, np.array([5.0]), np.array([4.0]), "s")
    found = surprise(made("m", x=draws), seen)
    assert float(found.rank[0]) == pytest.approx(stats.norm.cdf(1.0), abs=0.01)
    assert float(found.tail[0]) == pytest.approx(2 * stats.norm.sf(1.0), abs=0.02)
    with pytest.raises(InputError, match="no forecast"):
        surprise(made("m", y=draws), seen)


def test_the_interval_holds_its_share() -> None:
    low, high = interval(np.linspace(0, 1, 1001), 0.9)
    assert (float(low), float(high)) == pytest.approx((0.05, 0.95))
