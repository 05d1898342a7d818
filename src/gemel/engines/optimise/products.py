"""Products with a packed influence matrix, over blocks of about equal work; none depends on the number of threads."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import get_num_threads, njit, prange, set_num_threads

from gemel.core.image import Array
from gemel.engines.optimise.packing import Rows

BLOCKS = 32  # in a matrix of moderate size: fixed, so that the order of summation is the same on any machine
LEAST, MOST = 1 << 14, 1 << 20  # non-zeros of a block
SMALL = 200_000  # non-zeros below which one thread does the product


@dataclass(frozen=True)
class Blocks:
    """Rows `first[b]` to `first[b+1]` are one block's, and it lies within one part of the stack."""

    first: Int[Array, "ends"]
    part: Int[Array, "blocks"]


@dataclass(frozen=True)
class Terms:
    """Penalties voxel by voxel, h·(d − D)²: those of row i are entries `start[kind[i]]` to `start[kind[i]+1]`; h by the side of D."""

    kind: Int[Array, "rows"]
    start: Int[Array, "ends"]
    level_Gy: Float[Array, "terms"]
    over: Float[Array, "terms"]
    under: Float[Array, "terms"]


def blocks_of(rows: Rows, ends: Sequence[int]) -> Blocks:
    """Blocks of each part of a stack; `ends`: the row after the last of each part."""
    size = int(np.clip(rows.value.size // BLOCKS, LEAST, MOST))
    first, part, begin = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for p, end in enumerate(ends):
        count = max(1, int(rows.start[end] - rows.start[begin]) // size)
        marks = np.linspace(rows.start[begin], rows.start[end], count + 1)[:-1]
        first.append(np.maximum(np.searchsorted(rows.start[: end + 1], marks, side="left"), begin))
        first[-1][0] = begin
        part.append(np.full(count, p, np.int64))
        begin = end
    return Blocks(np.append(np.concatenate(first), begin), np.concatenate(part))


def judged(rows: Rows, blocks: Blocks, terms: Terms, weights: Float[Array, "spots"]) -> tuple[Array, Array, Array]:
    """Dose A·w of every row, the derivative of its voxel-wise penalties, and their sum in each block; one pass over the matrix."""
    with _threads_for(rows):
        rule = (terms.kind, terms.start, terms.level_Gy, terms.over, terms.under)
        found: tuple[Array, Array, Array] = _judged(
            (rows.value, rows.spot, rows.start, rows.scale), blocks.first, rule, weights.astype(np.float64)
        )
        return found


def spot_gradient(rows: Rows, blocks: Blocks, row_gradient: Float[Array, "rows"]) -> Float[Array, "spots"]:
    """Aᵀ·g; rows with g = 0 are not read."""
    with _threads_for(rows):
        partial = _back((rows.value, rows.spot, rows.start, rows.scale), blocks.first, row_gradient.astype(np.float64), rows.n_spots)
        return np.asarray(partial.sum(axis=0))


def weighted_squares(rows: Rows, blocks: Blocks, row_weight: Float[Array, "rows"]) -> Float[Array, "spots"]:
    """Σᵢ hᵢ·Aᵢⱼ² of every spot: the diagonal of AᵀHA."""
    with _threads_for(rows):
        partial = _squares((rows.value, rows.spot, rows.start, rows.scale), blocks.first, row_weight.astype(np.float64), rows.n_spots)
        return np.asarray(partial.sum(axis=0))


@contextmanager
def _threads_for(rows: Rows) -> Iterator[None]:
    """One thread for a small matrix: meeting at the barrier costs more than the product, the more so on a busy machine."""
    before = get_num_threads()
    set_num_threads(before if rows.value.size >= SMALL else 1)
    try:
        yield
    finally:
        set_num_threads(before)


@njit(parallel=True, cache=True, fastmath={"reassoc", "contract"})
@no_type_check
def _judged(matrix, first, rule, weights):
    # a row's entries as arrays of their own, with signed indices: so the compiler gathers many at once
    value, spot, start, scale = matrix
    kind, term, level, over, under = rule
    dose, slope = np.empty(scale.size, np.float64), np.empty(scale.size, np.float64)
    total = np.zeros(first.size - 1, np.float64)
    for b in prange(first.size - 1):
        penalty = 0.0
        for i in range(first[b], first[b + 1]):
            v, j = value[start[i] : start[i + 1]], spot[start[i] : start[i + 1]]
            d = 0.0
            for k in range(v.size):
                d += np.float64(np.int32(v[k])) * weights[np.int32(j[k])]
            d *= scale[i]
            g = 0.0
            for t in range(term[kind[i]], term[kind[i] + 1]):
                r = d - level[t]
                h = over[t] if r > 0 else under[t]
                penalty += h * r * r
                g += 2.0 * h * r
            dose[i], slope[i] = d, g
        total[b] = penalty
    return dose, slope, total


@njit(parallel=True, cache=True)
@no_type_check
def _back(matrix, first, slope, n_spots):
    value, spot, start, scale = matrix
    partial = np.zeros((first.size - 1, n_spots), np.float64)
    for b in prange(first.size - 1):
        total = partial[b]
        for i in range(first[b], first[b + 1]):
            g = slope[i] * scale[i]
            if g != 0:
                v, j = value[start[i] : start[i + 1]], spot[start[i] : start[i + 1]]
                for k in range(v.size):
                    total[j[k]] += g * np.float64(np.int32(v[k]))
    return partial


@njit(parallel=True, cache=True)
@no_type_check
def _squares(matrix, first, row_weight, n_spots):
    value, spot, start, scale = matrix
    partial = np.zeros((first.size - 1, n_spots), np.float64)
    for b in prange(first.size - 1):
        for i in range(first[b], first[b + 1]):
            h = row_weight[i] * np.float64(scale[i]) * scale[i]
            if h != 0:
                for k in range(start[i], start[i + 1]):
                    partial[b, spot[k]] += h * np.float64(value[k]) * value[k]
    return partial
