"""A symmetric positive tensor as a sum of six integer directions with weights over zero."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit, prange

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.pde.domain import WHERE

MOST = 200  # changes of the basis; a tensor of anisotropy 100 takes about ten
PAIRS = np.array([[0, 1, 2, 3], [0, 2, 1, 3], [0, 3, 1, 2], [1, 2, 0, 3], [1, 3, 0, 2], [2, 3, 0, 1]])
"""Of a superbase: a pair, and the two others."""


def decomposed(tensors: Float[Array, "n 6"]) -> tuple[Float[Array, "n 6"], Int[Array, "n 6 3"]]:
    """D = Σ λₖ eₖ eₖᵀ with λₖ ≥ 0 and integer eₖ, from (xx, xy, xz, yy, yz, zz) in units of the grid.

    λ = −⟨bᵢ, D bⱼ⟩ and e = bₖ × bₗ over the pairs of a D-obtuse superbase, found by Selling's algorithm: Selling 1874, J reine angew Math
    77:143; Fehrenbach & Mirebeau 2014, J Math Imaging Vis 49:123. Raises RangeError for a tensor that is not positive.
    """
    weights, offsets = np.zeros(tensors.shape), np.zeros((len(tensors), 6, 3), dtype=np.int64)
    if not _decompose(tensors, weights, offsets, PAIRS).all():
        raise RangeError("a tensor that is not positive, or flat", where=WHERE, remedy="give eigenvalues over zero, of a ratio under 1000")
    return weights, offsets


@njit(parallel=True, cache=True)
@no_type_check
def _decompose(tensors, weights, offsets, pairs):
    done = np.zeros(len(tensors), dtype=np.bool_)
    for n in prange(len(tensors)):
        base = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]])
        least = 1e-12 * (tensors[n, 0] + tensors[n, 3] + tensors[n, 5])
        for _ in range(MOST):
            if not _turned(base, tensors[n], pairs, least):
                done[n] = True
                break
        for m in range(6):
            i, j, k, l = pairs[m]
            weights[n, m] = max(-_product(base[i], base[j], tensors[n]), 0.0)
            b, c = base[k], base[l]
            offsets[n, m, 0] = b[1] * c[2] - b[2] * c[1]
            offsets[n, m, 1] = b[2] * c[0] - b[0] * c[2]
            offsets[n, m, 2] = b[0] * c[1] - b[1] * c[0]
    return done


@njit(cache=True)
@no_type_check
def _turned(base, tensor, pairs, least):
    """Change the first acute pair (bᵢ, bⱼ) to (−bᵢ, bⱼ), the others by + bᵢ; whether there was one."""
    for m in range(6):
        i, j, k, l = pairs[m]
        if _product(base[i], base[j], tensor) > least:
            base[k] += base[i]
            base[l] += base[i]
            base[i] = -base[i]
            return True
    return False


@njit(cache=True)
@no_type_check
def _product(a, b, d):
    """⟨a, D b⟩."""
    x = d[0] * b[0] + d[1] * b[1] + d[2] * b[2]
    y = d[1] * b[0] + d[3] * b[1] + d[4] * b[2]
    z = d[2] * b[0] + d[4] * b[1] + d[5] * b[2]
    return a[0] * x + a[1] * y + a[2] * z
