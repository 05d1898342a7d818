"""Sums over fields in double precision, plane by plane, so that they do not depend on the number of threads."""

from typing import no_type_check

import numpy as np
from jaxtyping import Shaped
from numba import njit, prange

from gemel.core.image import Array


def dot(a: Shaped[Array, "..."], b: Shaped[Array, "..."]) -> float:
    """Σ a b, of fields of one size and the same planes, flat or not."""
    return float(_dots(a.reshape(len(a), -1), b.reshape(len(b), -1)).sum())


def total(a: Shaped[Array, "..."]) -> float:
    """Σ a."""
    return float(_totals(a.reshape(len(a), -1)).sum())


@njit(parallel=True, cache=True, fastmath={"reassoc", "contract"})
@no_type_check
def _dots(a, b):
    found = np.zeros(len(a))
    for x in prange(len(a)):
        sum_ = 0.0
        for i in range(a.shape[1]):
            sum_ += np.float64(a[x, i]) * np.float64(b[x, i])
        found[x] = sum_
    return found


@njit(parallel=True, cache=True, fastmath={"reassoc", "contract"})
@no_type_check
def _totals(a):
    found = np.zeros(len(a))
    for x in prange(len(a)):
        sum_ = 0.0
        for i in range(a.shape[1]):
            sum_ += np.float64(a[x, i])
        found[x] = sum_
    return found
