"""Area under the ROC curve, and the detectability that stands for it."""

import numpy as np
from jaxtyping import Float
from scipy.stats import norm, rankdata

from gemel.core.errors import RangeError
from gemel.core.image import Array


def auc(detectability: Float[Array, "..."] | float) -> Float[Array, "..."]:
    """Φ(d'/√2) for ratings that are normal with equal spread; also the share correct in a two-alternative forced choice.

    Green & Swets 1966, Signal Detection Theory and Psychophysics; Barrett & Myers 2004, Foundations of Image Science, §13.2.
    """
    return np.asarray(norm.cdf(np.asarray(detectability, dtype=np.float64) / np.sqrt(2)))


def detectability_of(area: Float[Array, "..."] | float) -> Float[Array, "..."]:
    """d' = √2 Φ⁻¹(AUC), inverse of `auc`. Raises RangeError unless 0 < AUC < 1."""
    share = np.asarray(area, dtype=np.float64)
    if not ((share > 0) & (share < 1)).all():
        raise RangeError(
            "an area under the curve outside 0 to 1", where="detectability_of", remedy="AUC of 1 needs more images: d' is unbounded"
        )
    return np.asarray(np.sqrt(2) * norm.ppf(share))


def auc_of_ratings(present: Float[Array, "n"], absent: Float[Array, "m"]) -> tuple[float, float]:
    """Share of pairs that are rated in the right order (ties half), and its standard error.

    Mann & Whitney 1947, Ann Math Stat 18:50; error of DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837.
    Raises RangeError with fewer than two ratings on a side, or ratings that are not numbers.
    """
    n, m = len(present), len(absent)
    if np.isnan(present).any() or np.isnan(absent).any():
        raise RangeError("ratings that are NaN", where="auc_of_ratings", remedy="leave images that could not be rated out")
    if min(n, m) < 2:
        raise RangeError(f"{n} and {m} ratings", where="auc_of_ratings", remedy="rate two images or more with the signal and two without")
    both = rankdata(np.concatenate([present, absent]))
    right = (both[:n] - rankdata(present)) / m
    wrong = 1 - (both[n:] - rankdata(absent)) / n
    return float(right.mean()), float(np.sqrt(right.var(ddof=1) / n + wrong.var(ddof=1) / m))
