"""Bands hold whole curves with the stated probability, and shares of a deviation add up."""

import numpy as np
import pytest

from gemel.engines.bands import shares, tail_probability


def curves(rng: np.random.Generator, n: int) -> np.ndarray:
    """Rough random curves of 30 levels whose spread differs tenfold along them."""
    return rng.standard_normal((n, 30)).cumsum(axis=1) * np.linspace(0.1, 1.0, 30)


def test_one_honest_curve_in_twenty_lies_outside() -> None:
    """600 curves of the same kind as the draws: 95 % simultaneous coverage within three binomial standard errors."""
    rng = np.random.default_rng(0)
    draws = curves(rng, 2000)
    outside = np.mean([tail_probability(draws, value) <= 0.05 for value in curves(rng, 600)])
    assert abs(outside - 0.05) < 0.027


def test_a_band_made_level_by_level_would_not_hold() -> None:
    """Why the worst level counts: of the same curves, many times more leave a pointwise 95 % band somewhere."""
    rng = np.random.default_rng(0)
    low, high = np.quantile(curves(rng, 2000), [0.025, 0.975], axis=0)
    later = curves(rng, 600)
    assert np.mean(((later < low) | (later > high)).any(axis=1)) > 0.1


def test_probability_falls_with_distance_and_is_never_zero() -> None:
    draws = np.random.default_rng(1).standard_normal((400, 5))
    near, far, beyond = (tail_probability(draws, np.full(5, d)) for d in (0.5, 3.5, 50.0))
    assert near > 0.05 > far >= beyond == pytest.approx(1 / 401)


def test_a_scalar_has_the_two_sided_probability_of_its_rank() -> None:
    draws = np.random.default_rng(2).exponential(size=4000)
    assert tail_probability(draws, np.array(np.quantile(draws, 0.975))) == pytest.approx(0.05, abs=0.005)
    assert tail_probability(draws, np.array(np.quantile(draws, 0.025))) == pytest.approx(0.05, abs=0.005)


def test_where_draws_do_not_differ_the_floor_decides() -> None:
    assert tail_probability(np.ones((100, 3)), np.array([1.0, 1.004, 1.0]), 0.01) == pytest.approx(1 / 101)
    assert tail_probability(np.ones((100, 3)), np.ones(3), 0.01) == 1.0


def test_shares_add_up_and_name_what_points_along() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.standard_normal((2, 40))
    parts = shares(first + second, {"first": first, "second": second}, np.full(40, 0.1))
    assert sum(parts.values()) == pytest.approx(1.0)
    assert shares(first, {"first": first, "against": -first}, np.ones(40)) == pytest.approx({"first": 1.0, "against": -1.0})
    assert shares(np.zeros(4), {"first": np.ones(4)}, np.ones(4)) == {"first": 0.0}


def test_one_level_far_off_is_enough() -> None:
    """The farthest level decides: 39 levels at the median do not dilute one that lies three widths out."""
    draws = np.random.default_rng(4).standard_normal((400, 40))
    value = np.median(draws, axis=0)
    value[7] += 6.0
    assert tail_probability(draws, value) == pytest.approx(1 / 401)
