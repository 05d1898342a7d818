"""Is a stated uncertainty true? Coverage and paired differences, with their own uncertainty."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special

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
    return Coverage(inside / len(truth), *wilson(inside, len(truth)), len(truth))


def wilson(inside: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share, its score test inverted: (p + z²/2n ∓ z·√(p(1 − p)/n + z²/4n²))/(1 + z²/n). Wilson 1927, JASA 22:209."""
    z, share = float(special.ndtri(0.5 + level / 2)), inside / n
    middle, half = share + z * z / (2 * n), z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = (float((middle + end) / (1 + z * z / n)) for end in (-half, half))
    return 0.0 if inside == 0 else low, 1.0 if inside == n else high


def mean_interval(values: Float[Array, "n"], level: float = 0.95) -> tuple[float, float, float]:
    """Mean of independent values with its interval by Student's t; the interval of one value is infinite."""
    held = np.asarray(values, dtype=np.float64)
    mean = float(held.mean())
    if len(held) < 2:
        return mean, -np.inf, np.inf
    half = float(special.stdtrit(len(held) - 1, 0.5 + level / 2) * held.std(ddof=1) / np.sqrt(len(held)))
    return mean, mean - half, mean + half


def share_interval(shares: Float[Array, "n"]) -> tuple[float, float, float]:
    """`mean_interval` of shares, which end at 0 and 1."""
    mean, low, high = mean_interval(shares)
    return mean, max(low, 0.0), min(high, 1.0)


def paired_difference(a: Float[Array, "n"], b: Float[Array, "n"]) -> tuple[float, float, float]:
    """Mean of a − b with its 95 % interval by Student's t."""
    return mean_interval(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64))
