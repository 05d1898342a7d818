"""Moore and Penrose's inverse of small symmetric matrices with no negative eigenvalues, the same whatever library and threads."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from gemel.core.image import Array

ROUNDING = 1e-6  # of its diagonal: a pivot up to this is none, for matrices summed in single precision


def pseudo_inverse(matrix: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """A⁺ = Π G Π: G inverts what pivots there are (Goodnight 1979, Am Stat 33:149), Π = 1 − N Nᵀ leaves out the null space.

    A pivot is none up to ROUNDING of its own diagonal, so that weakly and strongly coupled parts are told apart each by its own measure.
    """
    swept = np.array(matrix, dtype=np.float64)
    there = _sweep(swept, ROUNDING * np.diag(matrix).astype(np.float64))
    null = np.eye(len(swept))[:, ~there]
    null[there] = -swept[np.ix_(there, ~there)]
    basis = np.linalg.qr(null)[0]
    found = np.where(np.outer(there, there), swept, 0.0)
    found -= basis @ (basis.T @ found)
    return np.asarray(found - (found @ basis) @ basis.T)


@njit(cache=True)
@no_type_check
def _sweep(a, least):
    """Sweep on each pivot over the least, in place: then a holds A₁₁⁻¹, and A₁₁⁻¹A₁₂ beside it; which were swept."""
    n = len(a)
    there = np.zeros(n, dtype=np.bool_)
    for k in range(n):
        pivot = a[k, k]
        if pivot <= least[k]:
            continue
        there[k] = True
        row = a[k].copy()
        for i in range(n):
            if i != k:
                share = a[i, k] / pivot
                for j in range(n):
                    a[i, j] -= share * row[j]
                a[i, k] = -share
        for j in range(n):
            a[k, j] = row[j] / pivot
        a[k, k] = 1.0 / pivot
    return there
