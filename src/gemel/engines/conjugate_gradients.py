"""Conjugate gradients for operators that are never built, with a preconditioner handed in; the same whatever the number of threads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit, prange

from gemel.core.image import Array

Field = Float[Array, "..."]
CHUNK = 16384  # elements summed one after the other
RESTART = 0.5  # begin again from the true residual, where rounding made the one carried along too small, while it falls by this
ROUNDING = 1e-10  # what is left of the right-hand side at most, where rounding ends the descent


@dataclass(frozen=True)
class Solved:
    """x with b − A x = residual; `relative` = ‖residual‖/‖b‖; `reached`: within the tolerance, or as near as rounding lets it be."""

    x: Field
    residual: Field
    relative: float
    iterations: int
    reached: bool


def conjugate_gradients(
    times: Callable[[Field], Field],
    precondition: Callable[[Field], Field],
    wanted: Field,
    *,
    start: Field | None = None,
    tolerance: float = 1e-8,
    most: int = 200,
) -> Solved:
    """A x = b until ‖b − A x‖ ≤ tolerance ‖b‖, in float64. Hestenes & Stiefel 1952, J Res Natl Bur Stand 49:409.

    The preconditioner may be of lower precision, thus not quite symmetric: β = zᵀ(r − r₋)/(z₋ᵀr₋), Golub & Ye 1999, SIAM J Sci Comput
    21:1305. It is given r/‖r‖, so that single precision does not underflow.
    """
    x, size, done = np.zeros_like(wanted) if start is None else start.copy(), np.sqrt(dot(wanted, wanted)), 0
    residual = wanted - times(x) if start is not None else wanted.copy()
    left, before = np.sqrt(dot(residual, residual)), np.inf
    while left > tolerance * size and left < RESTART * before and done < most:
        before = left
        done += _descend(times, precondition, (x, residual), (tolerance * size, most - done))
        residual = wanted - times(x)
        left = np.sqrt(dot(residual, residual))
    relative = float(left / size) if size > 0 else 0.0
    return Solved(x, residual, relative, done, relative <= max(tolerance, ROUNDING if done < most else 0.0))


def _descend(
    times: Callable[[Field], Field], precondition: Callable[[Field], Field], at: tuple[Field, Field], until: tuple[float, int]
) -> int:
    """Change x and its residual until the latter, as it is carried along, is small enough; the number of steps."""
    x, residual = at
    goal, most = until
    direction, product, before, done = np.zeros_like(x), 1.0, residual, 0
    left = np.sqrt(dot(residual, residual))
    while left > goal and done < most:
        scaled = precondition(residual / left) * left
        found = dot(scaled, residual)
        beta = (found - dot(scaled, before)) / product if done else 0.0
        _turn(direction.ravel(), scaled.ravel(), beta)
        image = times(direction)
        curvature = dot(direction, image)
        if not curvature > 0:
            break
        before, product, done = residual.copy(), found, done + 1
        left = np.sqrt(_advance(x.ravel(), residual.ravel(), direction.ravel(), image.ravel(), found / curvature).sum())
    return done


def dot(one: Field, other: Field) -> float:
    """Σ one · other, summed in chunks in order."""
    return float(_dots(one.ravel(), other.ravel()).sum())


@njit(parallel=True, cache=True)
@no_type_check
def _dots(one, other):
    parts = np.zeros((len(one) + CHUNK - 1) // CHUNK)
    for c in prange(len(parts)):
        a, b = one[c * CHUNK : (c + 1) * CHUNK], other[c * CHUNK : (c + 1) * CHUNK]
        total = 0.0
        for i in range(len(a)):
            total += a[i] * b[i]
        parts[c] = total
    return parts


@njit(parallel=True, cache=True)
@no_type_check
def _advance(x, residual, direction, image, step):
    """x += step · direction, residual −= step · image; the parts of ‖residual‖²."""
    parts = np.zeros((len(x) + CHUNK - 1) // CHUNK)
    for c in prange(len(parts)):
        total = 0.0
        for i in range(c * CHUNK, min((c + 1) * CHUNK, len(x))):
            x[i] += step * direction[i]
            residual[i] -= step * image[i]
            total += residual[i] * residual[i]
        parts[c] = total
    return parts


@njit(parallel=True, cache=True)
@no_type_check
def _turn(direction, scaled, beta):
    """direction = scaled + beta · direction."""
    for c in prange((len(direction) + CHUNK - 1) // CHUNK):
        for i in range(c * CHUNK, min((c + 1) * CHUNK, len(direction))):
            direction[i] = scaled[i] + beta * direction[i]
