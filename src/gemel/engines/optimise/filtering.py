"""Spots that can be delivered: weight 0 or at least the least weight of the machine, the rest optimised again."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.optimise.solver import Box, Minimum

SHARES = (0.25, 0.5)  # of the least weight: spots below are dropped, in turn, each time from the plan optimised without the others

Again = Callable[[Float[Array, "spots"], Box, int], Minimum]  # (start, bounds, iterations done before) -> the plan optimised again


@dataclass(frozen=True)
class Deliverable:
    """Weights that are 0 or at least the least weight, how many spots were dropped for it, and the last search."""

    weights: Float[Array, "spots"]
    dropped: int
    iterations: int
    last: Minimum


def deliverable(weights: Float[Array, "spots"], min_weight: float, again: Again) -> Deliverable:
    """Drop the least spots in turn, then hold those left at or above the least weight; each time optimised again from where it was.

    Raises RangeError when that leaves no spot.
    """
    present, iterations = weights > 0, 0
    open_ = present
    for share in SHARES:
        open_ = _enough(open_, weights, share * min_weight, min_weight)
        found = again(np.where(open_, weights, 0.0), _between(open_, 0.0), iterations)
        weights, iterations = found.x, iterations + found.iterations
    open_ = _enough(open_, weights, SHARES[-1] * min_weight, min_weight)
    found = again(np.where(open_, np.maximum(weights, min_weight), 0.0), _between(open_, min_weight), iterations)
    return Deliverable(found.x, int(np.count_nonzero(present & ~open_)), iterations + found.iterations, found)


def _enough(open_: Bool[Array, "spots"], weights: Float[Array, "spots"], least: float, min_weight: float) -> Bool[Array, "spots"]:
    left = open_ & (weights >= least)
    if open_.any() and not left.any():
        found = f"min_weight = {min_weight:g} leaves no spot: the largest weight is {weights.max():.3g}"
        remedy = "lower min_weight, give more dose per fraction, or place fewer spots"
        raise RangeError(found, where="optimise.Search", remedy=remedy)
    return left


def _between(open_: Bool[Array, "spots"], least: float) -> Box:
    return Box(np.where(open_, least, 0.0), np.where(open_, np.inf, 0.0), np.ones(open_.size))
