"""Compiled back-projection, driven by voxels: each column of voxels reads two neighbouring detector columns, summed once for all heights.

Work: views·x·y·(2·rows + 3·nz) loads. A tile of columns stays in cache while the views go by, each with the few detector columns that the
tile sees; a tile belongs to one thread, so that sums do not depend on the number of threads.
"""

from typing import no_type_check

import numpy as np
from numba import njit, prange

_F = np.float32
PARALLEL, FLAT, CURVED = 0, 1, 2
NEAR = 1e-3
"""Voxels nearer to the source than this share of its distance, or behind it, are not seen."""
TILE = 16
"""Columns along x and y that one thread holds in cache while the views go by."""


@njit(inline="always")
@no_type_check
def seen_at(x, y, outward, across, beam):
    """u on the detector of an axial line (x, y), the weight of its view, and the height on the detector of 1 mm along z.

    `beam`: kind, source to isocentre, source to detector. Kak & Slaney 1988, eqs. 3.98 (curved) and 3.111 (flat).
    """
    kind, source_isocentre, source_detector = beam
    t = x * across[0] + y * across[1]
    if kind == PARALLEL:
        return t, 1.0, 1.0
    depth = source_isocentre - x * outward[0] - y * outward[1]
    if depth < NEAR * source_isocentre:
        return np.inf, 0.0, 1.0
    if kind == FLAT:
        return source_detector * t / depth, (source_isocentre / depth) ** 2, source_detector / depth
    squared = depth * depth + t * t
    return source_detector * np.arctan(t / depth), 1.0 / squared, source_detector / np.sqrt(squared)


@njit(parallel=True, cache=True, fastmath={"contract"})
@no_type_check
def stack_kernel(q, frames, beam, detector, place, out):
    """Beams in planes of constant z: q (views, u, z), out (x, y, z); `frames`: outward and across; `detector`: first u, pitch."""
    outward, across = frames
    nx, ny, nz = int(place[0, 0]), int(place[0, 1]), int(place[0, 2])
    tiles = (ny + TILE - 1) // TILE
    for tile in prange(tiles * ((nx + TILE - 1) // TILE)):
        i0, j0 = tile // tiles * TILE, tile % tiles * TILE
        for view in range(q.shape[0]):
            for i in range(i0, min(nx, i0 + TILE)):
                for j in range(j0, min(ny, j0 + TILE)):
                    x, y = place[1, 0] + i * place[2, 0], place[1, 1] + j * place[2, 1]
                    u, weight, _ = seen_at(x, y, outward[view], across[view], beam)
                    p = (u - detector[0]) / detector[1]
                    if p <= -1.0 or p >= q.shape[1]:
                        continue
                    n = int(p + 1.0) - 1
                    w0 = _F(weight * (n + 1 - p)) if n >= 0 else _F(0)
                    w1 = _F(weight * (p - n)) if n + 1 < q.shape[1] else _F(0)
                    a, b = q[view, max(n, 0)], q[view, min(n + 1, q.shape[1] - 1)]
                    line = out[i, j]
                    for k in range(nz):
                        line[k] += w0 * a[k] + w1 * b[k]


@njit(parallel=True, cache=True, fastmath={"contract"})
@no_type_check
def cone_kernel(q, frames, beam, detector, place, out):
    """Cone beam: q (views, u, v), out (x, y, z); `frames`: outward, across, source z and the share (views, z) of each view at each height;
    `detector`: first u, pitch u, first v, pitch v."""
    outward, across, source_z, share = frames
    nx, ny, nz = int(place[0, 0]), int(place[0, 1]), int(place[0, 2])
    nv = q.shape[2]
    tiles = (ny + TILE - 1) // TILE
    for tile in prange(tiles * ((nx + TILE - 1) // TILE)):
        i0, j0 = tile // tiles * TILE, tile % tiles * TILE
        column = np.zeros(nv + 3, dtype=np.float32)
        for view in range(q.shape[0]):
            for i in range(i0, min(nx, i0 + TILE)):
                for j in range(j0, min(ny, j0 + TILE)):
                    x, y = place[1, 0] + i * place[2, 0], place[1, 1] + j * place[2, 1]
                    u, weight, tall = seen_at(x, y, outward[view], across[view], beam)
                    p = (u - detector[0]) / detector[1]
                    if p <= -1.0 or p >= q.shape[1]:
                        continue
                    n = int(p + 1.0) - 1
                    zero = 1.0 + ((place[1, 2] - source_z[view]) * tall - detector[2]) / detector[3]
                    rise = place[2, 2] * tall / detector[3]
                    low = max(0, int(np.ceil(-zero / rise)))
                    high = min(nz, int(np.ceil((nv + 1 - zero) / rise)))
                    if low >= high:
                        continue
                    w0 = _F(weight * (n + 1 - p)) if n >= 0 else _F(0)
                    w1 = _F(weight * (p - n)) if n + 1 < q.shape[1] else _F(0)
                    a, b = q[view, max(n, 0)], q[view, min(n + 1, q.shape[1] - 1)]
                    for r in range(max(0, int(zero + rise * low) - 1), min(nv, int(zero + rise * (high - 1)) + 1)):
                        column[r + 1] = w0 * a[r] + w1 * b[r]
                    _spread(column, _F(zero), _F(rise), low, high, share[view], out[i, j])


@njit(inline="always")
@no_type_check
def _spread(column, zero, rise, low, high, share, line):
    """Adds the detector column, linear between its rows, at the height of each voxel."""
    for k in range(low, high):
        p = max(zero + rise * _F(k), _F(0))
        r = np.uint32(p)
        f = p - _F(r)
        line[k] += share[k] * (column[r] + f * (column[r + 1] - column[r]))
