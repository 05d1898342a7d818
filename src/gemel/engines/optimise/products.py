"""Fast products with an influence matrix: its columns (spots) compressed, float32 values, int32 rows, 8 bytes a non-zero.

One compressed-column copy serves both products: A·w scatters the spots with a weight into a few partial doses, Aᵀ·g gathers
column by column. Neither depends on the number of threads.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Int
from numba import get_num_threads, njit, prange, set_num_threads

from gemel.core.image import Array

PARTS = 16  # partial doses of A·w: fixed, so that the order of summation is the same on any machine
SMALL = 200_000  # non-zeros below which one thread does the product


@dataclass(frozen=True)
class Columns:
    """Sparse columns: spot j holds `data[start[j]:start[j+1]]` at the rows `rows[start[j]:start[j+1]]`."""

    data: Float32[Array, "nonzeros"]
    rows: Int[Array, "nonzeros"]
    start: Int[Array, "ends"]
    n_rows: int

    @property
    def n_spots(self) -> int:
        """Number of columns."""
        return self.start.size - 1

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return self.data.nbytes + self.rows.nbytes + self.start.nbytes


def dose_Gy(columns: Columns, weights: Float[Array, "spots"]) -> Float[Array, "rows"]:
    """d = A·w, in double precision from float32 values, so that a search meets no rounding noise."""
    with _threads_for(columns):
        return _forward(columns.data, columns.rows, columns.start, weights.astype(np.float64), columns.n_rows, PARTS)


def spot_gradient(columns: Columns, row_gradient: Float[Array, "rows"]) -> Float[Array, "spots"]:
    """Aᵀ·g, in double precision."""
    with _threads_for(columns):
        return _backward(columns.data, columns.rows, columns.start, row_gradient.astype(np.float64))


def weighted_squares(columns: Columns, row_weight: Float[Array, "rows"]) -> Float[Array, "spots"]:
    """Σᵢ hᵢ·Aᵢⱼ² of every column: the diagonal of AᵀHA."""
    with _threads_for(columns):
        return _squares(columns.data, columns.rows, columns.start, row_weight.astype(np.float64))


def restrict(columns: Columns, position: Int[Array, "rows"], n_kept: int) -> Columns:
    """The columns with only the rows whose `position` is not −1, renumbered by it."""
    data, rows, start = _restrict(columns.data, columns.rows, columns.start, position.astype(np.int32))
    return Columns(data, rows, start, n_kept)


@contextmanager
def _threads_for(columns: Columns) -> Iterator[None]:
    """One thread for a small matrix: meeting at the barrier costs more than the product, the more so on a busy machine."""
    before = get_num_threads()
    set_num_threads(before if columns.data.size >= SMALL else 1)
    try:
        yield
    finally:
        set_num_threads(before)


@njit(parallel=True, cache=True)
@no_type_check
def _forward(data, rows, start, weights, n_rows, parts):
    partial = np.zeros((parts, n_rows), np.float64)
    n_spots = start.size - 1
    for part in prange(parts):
        for j in range(part * n_spots // parts, (part + 1) * n_spots // parts):
            w = weights[j]
            if w != 0:
                for k in range(start[j], start[j + 1]):
                    partial[part, rows[k]] += data[k] * w
    dose = np.empty(n_rows, np.float64)
    for i in prange(n_rows):
        total = 0.0
        for part in range(parts):
            total += partial[part, i]
        dose[i] = total
    return dose


@njit(parallel=True, cache=True)
@no_type_check
def _backward(data, rows, start, gradient):
    out = np.empty(start.size - 1, np.float64)
    for j in prange(start.size - 1):
        total = 0.0
        for k in range(start[j], start[j + 1]):
            total += data[k] * gradient[rows[k]]
        out[j] = total
    return out


@njit(parallel=True, cache=True)
@no_type_check
def _squares(data, rows, start, row_weight):
    out = np.empty(start.size - 1, np.float64)
    for j in prange(start.size - 1):
        total = 0.0
        for k in range(start[j], start[j + 1]):
            total += row_weight[rows[k]] * data[k] * data[k]
        out[j] = total
    return out


@njit(parallel=True, cache=True)
@no_type_check
def _restrict(data, rows, start, position):
    n_spots = start.size - 1
    count = np.zeros(n_spots, np.int64)
    for j in prange(n_spots):
        for k in range(start[j], start[j + 1]):
            if position[rows[k]] >= 0:
                count[j] += 1
    first = np.zeros(n_spots + 1, np.int64)
    first[1:] = np.cumsum(count)
    kept, kept_rows = np.empty(first[-1], np.float32), np.empty(first[-1], np.int32)
    for j in prange(n_spots):
        at = first[j]
        for k in range(start[j], start[j + 1]):
            if position[rows[k]] >= 0:
                kept[at], kept_rows[at] = data[k], position[rows[k]]
                at += 1
    return kept, kept_rows, first
