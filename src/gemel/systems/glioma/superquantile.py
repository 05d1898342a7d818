"""Risk as the mean of the worst: the superquantile, or conditional value at risk. Rockafellar & Uryasev 2000, J Risk 2:21."""

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array

LEVEL = 0.8


def worst_mean(values: Float[Array, "... draws"], level: float = LEVEL) -> Float[Array, "..."]:
    """Mean of the smallest share 1 − level of the draws, the last one counted in part. Raises RangeError unless 0 ≤ level < 1."""
    if not 0 <= level < 1:
        raise RangeError(f"a level of {level!r}", where="superquantile", remedy="give 0 (the mean) to below 1")
    n = values.shape[-1]
    share = max((1.0 - level) * n, 1.0)
    whole = int(np.ceil(share - 1e-9))
    weights = np.minimum(1.0, share - np.arange(whole))
    least = np.sort(np.partition(values, whole - 1, axis=-1)[..., :whole], axis=-1)
    return np.asarray(least @ weights / share)


def shortfall_form(values: Float[Array, "draws"], level: float = LEVEL) -> Float[Array, "draws"]:
    """Numbers of the same mean as the superquantile: q + min(x − q, 0)/(1 − level), q the quantile (Rockafellar & Uryasev, eq. 4)."""
    least = np.sort(values)
    q = least[min(int(np.ceil((1.0 - level) * len(values) - 1e-9)) - 1, len(values) - 1)]
    return np.asarray(q + np.minimum(values - q, 0.0) / (1.0 - level))
