"""Intervals of means: Student's where values are symmetric or few, wider towards the tail where they are skewed, joint for several."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.engines.inference.calibration import mean_interval
from gemel.engines.inference.contrasts import critical_value, skewed_interval


def student(n: int) -> float:
    return float(stats.t.ppf(0.975, n - 1))


def test_symmetric_and_few_values_have_students_interval() -> None:
    for values in (np.array([-2.0, -1.0, 0.0, 1.0, 2.0] * 4), np.array([0.0, 0.0, 0.0, 9.0, 1.0])):
        found = skewed_interval(values, student(len(values)))
        assert (found.mean, found.low, found.high) == pytest.approx(mean_interval(values), abs=1e-9)
    flat = skewed_interval(np.full(30, 0.1), 2.0)
    assert (flat.low, flat.mean, flat.high) == pytest.approx((0.1, 0.1, 0.1), abs=1e-12)


def test_the_ends_are_where_the_transformed_statistic_is_critical() -> None:
    """g(T) = T + γ(2T² + 1)/(6√n) + γ²T³/(27n) = ±c at the ends, by Hall's own formula and not by its inverse."""
    values, n = np.random.default_rng(3).exponential(2.0, 25), 25
    found, skew = skewed_interval(values, 2.5), float(stats.skew(values, bias=False))
    step = values.std(ddof=1) / np.sqrt(n)
    for end, wanted in ((found.low, 2.5), (found.high, -2.5)):
        t = (found.mean - end) / step
        g = t + skew * (2 * t**2 + 1) / (6 * np.sqrt(n)) + skew**2 * t**3 / (27 * n)
        assert g == pytest.approx(wanted, abs=1e-9)


def covered(draw: Array, truth: float) -> tuple[float, float]:
    """Share of rows whose interval holds the truth, and Student's share."""
    held = [skewed_interval(row, student(len(row))) for row in draw]
    plain = [mean_interval(row) for row in draw]
    return float(np.mean([i.low <= truth <= i.high for i in held])), float(np.mean([low <= truth <= high for _, low, high in plain]))


def test_skewed_values_are_covered_where_student_does_not() -> None:
    """Patients of whom three in ten lose an exponential amount and the others nothing; 1500 samples of 40."""
    rng = np.random.default_rng(0)
    held, plain = covered(rng.exponential(1.0, (1500, 40)) * (rng.random((1500, 40)) < 0.3), 0.3)
    assert 0.935 < held < 0.98
    assert plain < 0.915


def test_one_difference_needs_no_more_than_student() -> None:
    assert critical_value(np.random.default_rng(0).standard_normal((20, 1))) == student(20)
    doubled = np.repeat(np.random.default_rng(0).standard_normal((20, 1)), 3, axis=1)
    assert critical_value(doubled) == pytest.approx(student(20), abs=0.02)
    assert critical_value(np.zeros((20, 3))) == student(20)


def test_all_differences_are_covered_at_once() -> None:
    """2000 trials of 12 patients and four arms that do not differ: 5 % differ falsely; with Student's point one in five or more."""
    values = np.random.default_rng(5).standard_normal((2000, 12, 4))
    pairs = np.stack([values[..., a] - values[..., b] for a, b in combinations(range(4), 2)], axis=2)
    largest = np.abs(pairs.mean(axis=1) / pairs.std(axis=1, ddof=1) * np.sqrt(12)).max(axis=1)
    points = np.mean([critical_value(p) for p in pairs[:10]])
    assert 0.035 < np.mean(largest > points) < 0.063
    assert np.mean(largest > student(12)) > 0.15


def test_one_value_has_no_interval() -> None:
    with pytest.raises(InputError, match="1 values"):
        skewed_interval(np.ones(1), 2.0)
