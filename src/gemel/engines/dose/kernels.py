"""The two passes of the pencil-beam matrix: count what each spot fills, then fill it. Voxels are met in C order, so rows come sorted."""

from typing import no_type_check

import numpy as np
from numba import njit, prange


@njit(cache=True)
@no_type_check
def _span(low, high, first, spacing, n):
    """Indices [a, b) whose centres first + spacing·i lie within [low, high]."""
    a = max(0, int(np.ceil((low - first) / spacing)))
    b = min(n, int(np.floor((high - first) / spacing)) + 1)
    return a, b


@njit(cache=True)
@no_type_check
def _columns_along_y(u, reach, beam, i, grid):
    """The y indices of row i whose distance across the beam from u can be within reach."""
    sine, cosine = beam
    along = grid[0, 0] + grid[0, 1] * i
    slope = sine * grid[1, 1]
    offset = u - cosine * along - sine * grid[1, 0]
    ny = int(grid[1, 2])
    if abs(slope) < 1e-6:
        return (0, ny) if abs(offset) <= reach else (0, 0)
    one, two = (offset - reach) / slope, (offset + reach) / slope
    return max(0, int(np.ceil(min(one, two)))), min(ny, int(np.floor(max(one, two))) + 1)


@njit(cache=True)
@no_type_check
def column_reach2(least, most, step, end, cut):
    """Squared cut radius at the deepest voxel of a z column that the beam reaches; negative where it reaches none."""
    if least > end:
        return np.float32(-1.0)
    return cut[min(len(cut) - 1, int(min(most, end) * step))]


@njit(parallel=True, cache=True)
@no_type_check
def count(depth, extremes, wanted, grid, beam, spots, rows, tables):
    """Number of voxels within the cut of each spot. `spots`: (x, z, layer) of those of one beam direction."""
    steps, ends, _, cuts = tables
    nx = depth.shape[0]
    counts = np.zeros(len(rows), dtype=np.int64)
    for s in prange(len(rows)):
        x, z, e = spots[s, 0], spots[s, 1], rows[s]
        step, end, cut = steps[e], ends[e], cuts[e]
        reach = np.sqrt(cut[-1])
        total = 0
        for i in range(nx):
            j0, j1 = _columns_along_y(x, reach, beam, i, grid)
            for j in range(j0, j1):
                cut2 = column_reach2(extremes[i, j, 0], extremes[i, j, 1], step, end, cut)
                across = beam[1] * (grid[0, 0] + grid[0, 1] * i) + beam[0] * (grid[1, 0] + grid[1, 1] * j) - x
                across2 = np.float32(across * across)
                if across2 > cut2:
                    continue
                half = np.sqrt(cut2 - across2)
                k0, k1 = _span(z - half, z + half, grid[2, 0], grid[2, 1], int(grid[2, 2]))
                for k in range(k0, k1):
                    d = depth[i, j, k]
                    if d <= end and wanted[i, j, k]:
                        dz = np.float32(grid[2, 0] + grid[2, 1] * k - z)
                        total += across2 + dz * dz <= cut[int(d * step)]
        counts[s] = total
    return counts


@njit(parallel=True, cache=True)
@no_type_check
def fill(depth, extremes, wanted, grid, beam, spots, rows, tables, starts, values, indices):
    """Dose of each spot written from `starts` on; the same voxels in the same order as `count` found."""
    steps, ends, nodes, cuts = tables
    nx, ny, nz = depth.shape
    for s in prange(len(rows)):
        x, z, e = spots[s, 0], spots[s, 1], rows[s]
        step, end, cut, table = steps[e], ends[e], cuts[e], nodes[e]
        reach = np.sqrt(cut[-1])
        at = starts[s]
        for i in range(nx):
            j0, j1 = _columns_along_y(x, reach, beam, i, grid)
            for j in range(j0, j1):
                cut2 = column_reach2(extremes[i, j, 0], extremes[i, j, 1], step, end, cut)
                across = beam[1] * (grid[0, 0] + grid[0, 1] * i) + beam[0] * (grid[1, 0] + grid[1, 1] * j) - x
                across2 = np.float32(across * across)
                if across2 > cut2:
                    continue
                half = np.sqrt(cut2 - across2)
                k0, k1 = _span(z - half, z + half, grid[2, 0], grid[2, 1], int(grid[2, 2]))
                for k in range(k0, k1):
                    d = depth[i, j, k]
                    if d <= end and wanted[i, j, k]:
                        dz = np.float32(grid[2, 0] + grid[2, 1] * k - z)
                        r2 = across2 + dz * dz
                        node = int(d * step)
                        if r2 <= cut[node]:
                            a1, k1, a2, k2 = coefficients(table, node, d * step - np.float32(node))
                            values[at] = a1 * np.exp(k1 * r2) + a2 * np.exp(k2 * r2)
                            indices[at] = (i * ny + j) * nz + k
                            at += 1


@njit(cache=True)
@no_type_check
def coefficients(table, node, share):
    """a1, k1, a2, k2 between two depth nodes."""
    after = min(node + 1, table.shape[0] - 1)
    left = np.float32(1.0) - share
    a1 = left * table[node, 0] + share * table[after, 0]
    k1 = left * table[node, 1] + share * table[after, 1]
    a2 = left * table[node, 2] + share * table[after, 2]
    k2 = left * table[node, 3] + share * table[after, 3]
    return a1, k1, a2, k2


@njit(parallel=True, cache=True)
@no_type_check
def column_extremes(depth, wanted):
    """Least and largest depth of the wanted voxels of each z column; (inf, -inf) where there is none."""
    nx, ny, nz = depth.shape
    out = np.empty((nx, ny, 2), dtype=np.float32)
    for i in prange(nx):
        for j in range(ny):
            least, most = np.float32(np.inf), np.float32(-np.inf)
            for k in range(nz):
                if wanted[i, j, k]:
                    least, most = min(least, depth[i, j, k]), max(most, depth[i, j, k])
            out[i, j, 0], out[i, j, 1] = least, most
    return out


@njit(parallel=True, cache=True)
@no_type_check
def weigh(depth, columns, rows, steps, table, matrix, out):
    """Each entry of the CSC `matrix` (starts, voxel indices, values) times the table of its column at the voxel's depth."""
    starts, indices, values = matrix
    flat = depth.ravel()
    for s in prange(len(columns)):
        of_layer, step = table[rows[s]], steps[rows[s]]
        last = len(of_layer) - 1
        for at in range(starts[columns[s]], starts[columns[s] + 1]):
            place = flat[indices[at]] * step
            node = min(int(place), last)
            share = place - np.float32(node)
            after = min(node + 1, last)
            out[at] = values[at] * ((np.float32(1.0) - share) * of_layer[node] + share * of_layer[after])
