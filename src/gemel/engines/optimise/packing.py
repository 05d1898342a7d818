"""An influence matrix as the search reads it: rows (voxels) compressed, 4 bytes a non-zero, many scenarios in one stack.

A value is a whole multiple, in 16 bits, of 1/65535 of its row's largest: rounding moves the dose of a plan by about 1e-6 of itself (more
where a few weights are thousands of times the others). Row by row, both products run over a vector of weights that stays in the innermost
cache, and a row whose dose is not penalised costs nothing on the way back.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float32, Int, Int32, Shaped, UInt16
from numba import njit, prange

from gemel.core.image import Array
from gemel.engines.optimise.columns import Columns

STEPS = 65535.0  # of a row's largest value


@dataclass(frozen=True)
class Rows:
    """Row i holds `scale[i]·value[k]` at the spots `spot[k]`, k from `start[i]` to `start[i+1]`; `voxel[i]` is its row in the matrix."""

    value: UInt16[Array, "nonzeros"]
    spot: Shaped[Array, "nonzeros"]
    start: Int[Array, "ends"]
    scale: Float32[Array, "rows"]
    voxel: Int32[Array, "rows"]
    n_spots: int

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.scale.size)

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return self.value.nbytes + self.spot.nbytes + self.start.nbytes + self.scale.nbytes + self.voxel.nbytes


def packed(columns: Columns, voxels: Int[Array, "kept"]) -> Rows:
    """The rows `voxels` (ascending) of the columns."""
    position = np.full(columns.n_rows, -1, np.int32)
    position[voxels] = np.arange(voxels.size, dtype=np.int32)
    count, top = _counted(columns.data, columns.rows, columns.start, position, voxels.size)
    start = np.zeros(voxels.size + 1, np.int64)
    np.cumsum(count, out=start[1:])
    scale = (top / STEPS).astype(np.float32)
    spot = np.empty(start[-1], np.uint16 if columns.n_spots <= 65536 else np.int32)
    value = np.empty(start[-1], np.uint16)  # made here, not in a kernel: a stack grows in place, which needs memory of its own
    _filled((columns.data, columns.rows, columns.start), (position, start[:-1].copy(), scale), value, spot)
    return Rows(value, spot, start, scale, voxels.astype(np.int32), columns.n_spots)


def empty(n_spots: int) -> Rows:
    """No rows yet."""
    spot = np.empty(0, np.uint16 if n_spots <= 65536 else np.int32)
    return Rows(np.empty(0, np.uint16), spot, np.zeros(1, np.int64), np.empty(0, np.float32), np.empty(0, np.int32), n_spots)


def stacked(stack: Rows, more: Rows) -> Rows:
    """`more` below `stack`, whose arrays are taken over and grown in place: there is never a second copy of the stack."""
    start = np.concatenate([stack.start, more.start[1:] + stack.start[-1]])
    scale, voxel = np.concatenate([stack.scale, more.scale]), np.concatenate([stack.voxel, more.voxel])
    return Rows(_grown(stack.value, more.value), _grown(stack.spot, more.spot), start, scale, voxel, stack.n_spots)


def thinned(stack: Rows, keep: Bool[Array, "rows"]) -> Rows:
    """Only the rows to keep, moved together in place; `stack` must not be used any more."""
    count = np.where(keep, np.diff(stack.start), 0)
    used = _moved_up(stack.value, stack.spot, stack.start, keep)
    stack.value.resize(used, refcheck=False)
    stack.spot.resize(used, refcheck=False)
    start = np.concatenate([[0], np.cumsum(count[keep])]).astype(np.int64)
    return Rows(stack.value, stack.spot, start, stack.scale[keep], stack.voxel[keep], stack.n_spots)


def selected(rows: Rows, keep: Bool[Array, "rows"], spots: Int[Array, "some"]) -> Rows:
    """A copy with only the rows to keep and the given spots (ascending), renumbered."""
    position = np.full(rows.n_spots, -1, np.int32)
    position[spots] = np.arange(spots.size, dtype=np.int32)
    kept = np.flatnonzero(keep)
    start = np.zeros(kept.size + 1, np.int64)
    np.cumsum(_counted_within(rows.spot, rows.start, kept, position), out=start[1:])
    value, spot = np.empty(start[-1], np.uint16), np.empty(start[-1], rows.spot.dtype)
    _copied((rows.value, rows.spot, rows.start), kept, position, (value, spot, start))
    return Rows(value, spot, start, rows.scale[keep], rows.voxel[keep], int(spots.size))


def _grown(array: Shaped[Array, "..."], more: Shaped[Array, "m"]) -> Shaped[Array, "..."]:
    size = array.size
    array.resize(size + more.size, refcheck=False)
    array[size:] = more
    return array


@njit(cache=True)
@no_type_check
def _counted(data, rows, start, position, n_rows):
    count, top = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.float32)
    for k in range(start[-1]):
        i = position[rows[k]]
        if i >= 0:
            count[i] += 1
            top[i] = max(top[i], data[k])
    return count, top


@njit(cache=True)
@no_type_check
def _filled(source, to, value, spot):
    data, rows, start = source
    position, at, scale = to
    for j in range(start.size - 1):
        for k in range(start[j], start[j + 1]):
            i = position[rows[k]]
            if i >= 0:
                value[at[i]] = np.uint16(data[k] / scale[i] + np.float32(0.5)) if scale[i] > 0 else np.uint16(0)
                spot[at[i]] = j
                at[i] += 1


@njit(cache=True)
@no_type_check
def _moved_up(value, spot, start, keep):
    at = 0
    for i in range(keep.size):
        if keep[i]:
            for k in range(start[i], start[i + 1]):
                value[at], spot[at] = value[k], spot[k]
                at += 1
    return at


@njit(parallel=True, cache=True)
@no_type_check
def _counted_within(spot, start, kept, position):
    count = np.zeros(kept.size, np.int64)
    for r in prange(kept.size):
        for k in range(start[kept[r]], start[kept[r] + 1]):
            count[r] += position[spot[k]] >= 0
    return count


@njit(parallel=True, cache=True)
@no_type_check
def _copied(source, kept, position, target):
    value, spot, start = source
    new_value, new_spot, new_start = target
    for r in prange(kept.size):
        at = new_start[r]
        for k in range(start[kept[r]], start[kept[r] + 1]):
            j = position[spot[k]]
            if j >= 0:
                new_value[at], new_spot[at] = value[k], j
                at += 1
