"""Weighted particles: weights, effective number, resampling."""

import numpy as np
from jaxtyping import Float

from gemel.core.belief import systematic
from gemel.core.errors import RangeError
from gemel.core.image import Array

__all__ = ["effective_size", "normalised", "systematic"]


def normalised(log_weights: Float[Array, "n"]) -> Float[Array, "n"]:
    """Weights that sum to 1. Raises RangeError when every particle is impossible."""
    top = log_weights.max()
    if not np.isfinite(top):
        raise RangeError("an observation that no particle can explain", where="particles", remedy="check the observation and its sd")
    weights = np.exp(log_weights - top)
    return np.asarray(weights / weights.sum())


def effective_size(weights: Float[Array, "n"]) -> float:
    """1/Σw², the number of equal particles worth as much. Kong, Liu & Wong 1994, JASA 89:278."""
    return float(1.0 / np.square(weights).sum())
