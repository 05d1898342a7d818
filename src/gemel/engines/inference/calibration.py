"""Is a stated uncertainty true? Coverage and paired differences, with their own uncertainty."""

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
    """How often the intervals [low, high] hold the truth; the cases are independent."""
    inside = int(np.count_nonzero((truth >= low) & (truth <= high)))
    bounds = stats.binomtest(inside, len(truth)).proportion_ci(0.95, method="wilson")
    return Coverage(inside / len(truth), float(bounds.low), float(bounds.high), len(truth))


def mean_interval(values: Float[Array, "n"], level: float = 0.95) -> tuple[float, float, float]:
    """Mean of independent values with its interval by Student's t; the interval of one value is infinite."""
    held = np.asarray(values, dtype=np.float64)
    mean = float(held.mean())
    if len(held) < 2:
        return mean, -np.inf, np.inf
    half = float(stats.t.ppf(0.5 + level / 2, len(held) - 1) * held.std(ddof=1) / np.sqrt(len(held)))
    return mean, mean - half, mean + half


def share_interval(shares: Float[Array, "n"]) -> tuple[float, float, float]:
    """`mean_interval` of shares, which end at 0 and 1."""
    mean, low, high = mean_interval(shares)
    return mean, max(low, 0.0), min(high, 1.0)


def paired_difference(a: Float[Array, "n"], b: Float[Array, "n"]) -> tuple[float, float, float]:
    """Mean of a − b with its 95 % interval by Student's t."""
    return mean_interval(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64))
