"""Weighted particles: weights, effective number, resampling."""

import numpy as np
from jaxtyping import Float, Int

from gemel.core.errors import RangeError
from gemel.core.image import Array


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


def systematic(weights: Float[Array, "n"], n: int, rng: np.random.Generator) -> Int[Array, "n2"]:
    """Indices of n particles by systematic resampling. Kitagawa 1996, J Comput Graph Stat 5:1."""
    places = (np.arange(n) + rng.random()) / n
    return np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1)
