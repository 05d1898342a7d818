"""Tests of uniformity keep their level, see the usual defects, and agree with a peer."""

import warnings

import numpy as np
import pytest
from scipy import stats

from gemel.engines.inference.calibration import mean_interval, paired_difference
from gemel.engines.inference.uniformity import EDGE, band_p, chi_square_p, evidence_against


def p_values(seed: int, n: int, power: float = 1.0, repeats: int = 600) -> np.ndarray:
    """p of the band test on ranks Φ(power·z), z normal: power 1 is uniform, 1.5 comes of intervals a third too narrow."""
    rng = np.random.default_rng(seed)
    return np.array([band_p(stats.norm.cdf(power * rng.standard_normal(n)), points=20) for _ in range(repeats)])


def test_the_band_test_keeps_its_level() -> None:
    """Of 600 uniform samples at most 5 % fall below p = 0.05, within 2.6 binomial sd; discrete counts make it fewer, not more."""
    rejected = float((p_values(1, 80) < 0.05).mean())
    assert 0.015 < rejected < 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 600)


def test_the_band_test_sees_intervals_a_third_too_narrow() -> None:
    assert (p_values(2, 150, 1.5, 60) < 0.01).mean() > 0.9


def test_the_probability_of_the_band_is_that_of_drawn_samples() -> None:
    """The exact recursion against the frequency of the same statistic in 4000 drawn samples."""
    rng = np.random.default_rng(3)
    n, points = 40, 10
    z = np.arange(1, points) / points
    below, above = stats.binom.cdf, stats.binom.sf

    def smallest(ranks: np.ndarray) -> float:
        counts = (ranks[:, None] <= z).sum(axis=0)
        return float((2 * np.minimum(below(counts, n, z), above(counts - 1, n, z))).min())

    ranks = np.linspace(0.02, 0.9, n) ** 1.3
    drawn = np.mean([smallest(rng.random(n)) <= smallest(ranks) * (1 + 1e-9) for _ in range(4000)])
    assert band_p(ranks, points) == pytest.approx(drawn, abs=0.02)


def test_the_band_is_that_of_arviz() -> None:
    """Leaving ArviZ's simultaneous 95 % band is p < 0.05 here, in at least 97 % of samples (both are exact for discrete counts)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        ecdf_utils = pytest.importorskip("arviz.stats.ecdf_utils", reason="ArviZ is not installed: pip install arviz")
    n, points = 60, 20
    z = np.arange(1, points) / points
    low, high = ecdf_utils.ecdf_confidence_band(n, z, z, prob=0.95)
    rng, agreed, left = np.random.default_rng(4), 0, 0
    for power in np.repeat([1.0, 1.3], 150):
        ranks = stats.norm.cdf(power * rng.standard_normal(n))
        ecdf = (ranks[:, None] <= z).mean(axis=0)
        leaves = bool(((ecdf < low - 1e-9) | (ecdf > high + 1e-9)).any())
        agreed, left = agreed + (leaves == (band_p(ranks, points) < 0.05)), left + leaves
    assert 20 < left < 280
    assert agreed >= 291


def test_chi_square_of_even_counts_is_one_and_of_one_bin_nothing() -> None:
    assert chi_square_p((np.arange(100) + 0.5) / 100) == 1.0
    assert chi_square_p(np.full(100, 0.55)) < 1e-100


def test_no_ranks_tell_nothing() -> None:
    assert (band_p(np.empty(0)), evidence_against(np.empty(0))) == (1.0, pytest.approx(1.0))


def test_the_evidence_may_be_looked_at_every_day() -> None:
    """Under uniform ranks the largest evidence of 100 looks reaches 20 in at most 5 % of 300 courses (plus 2.6 sd)."""
    rng = np.random.default_rng(5)
    ever = [max(evidence_against(ranks[:k]) for k in range(1, 101, 3)) >= 20 for ranks in rng.random((300, 100))]
    assert np.mean(ever) < 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize("defect", ["too narrow", "too wide", "shifted"])
def test_the_evidence_grows_with_a_defect(defect: str) -> None:
    z = np.random.default_rng(6).standard_normal(250)
    ranks = {"too narrow": stats.norm.cdf(1.5 * z), "too wide": stats.norm.cdf(z / 1.5), "shifted": stats.norm.cdf(z + 0.5)}[defect]
    assert evidence_against(ranks) > 100 > evidence_against(ranks[:3])


def test_one_impossible_day_does_not_decide_alone() -> None:
    """A rank of exactly 0 counts as EDGE: less than 100 against, however strange the day was."""
    assert 1 < evidence_against(np.zeros(1)) == evidence_against(np.full(1, EDGE)) < 100


def test_the_interval_of_a_mean_is_students() -> None:
    mean, low, high = mean_interval(np.array([1.0, 2.0, 3.0, 6.0]))
    assert (mean, high - low) == (3.0, pytest.approx(2 * 3.182446 * np.sqrt(14 / 3) / 2, rel=1e-6))
    assert paired_difference(np.array([2.0, 4.0]), np.array([1.0, 3.0])) == (1.0, 1.0, 1.0)
    assert mean_interval(np.array([1.0, 2.0, 3.0, 6.0]), 0.99)[1] == pytest.approx(3.0 - 5.840909 * np.sqrt(14 / 3) / 2, rel=1e-6)
    assert mean_interval(np.array([4.0])) == (4.0, -np.inf, np.inf)
