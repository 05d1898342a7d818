"""Is a stated uncertainty true? Ranks, coverage, and their own uncertainty."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from gemel.core.image import Array


@dataclass(frozen=True)
class Coverage:
    """Fraction of truths inside their intervals, with a 95 % Wilson interval (Wilson 1927, JASA 22:209)."""

    fraction: float
    low: float
    high: float
    n: int


def coverage(low: Float[Array, "n"], high: Float[Array, "n"], truth: Float[Array, "n"]) -> Coverage:
    """How often the intervals [low, high] hold the truth."""
    inside = int(np.count_nonzero((truth >= low) & (truth <= high)))
    bounds = stats.binomtest(inside, len(truth)).proportion_ci(0.95, method="wilson")
    return Coverage(inside / len(truth), float(bounds.low), float(bounds.high), len(truth))


def rank_p_value(ranks: Float[Array, "n"], bins: int = 10) -> float:
    """p of the χ² test that ranks in [0, 1] are uniform. Talts et al. 2018, arXiv:1804.06788 (simulation-based calibration)."""
    counts, _ = np.histogram(ranks, bins=bins, range=(0, 1))
    return float(stats.chisquare(counts).pvalue)


def paired_difference(a: Float[Array, "n"], b: Float[Array, "n"]) -> tuple[float, float, float]:
    """Mean of a − b with its 95 % interval by Student's t."""
    difference = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    half = float(stats.t.ppf(0.975, len(difference) - 1) * difference.std(ddof=1) / np.sqrt(len(difference)))
    return float(difference.mean()), float(difference.mean()) - half, float(difference.mean()) + half
