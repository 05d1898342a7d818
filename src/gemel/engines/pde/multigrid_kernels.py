"""Passes of multigrid over cells: smoothing, residuals, and the ways between a grid and one of pairs (or not) of its cells along each axis.

Fields have one cell of nothing on each side; cell x of a grid belongs to cell (x − 1)//f + 1 of the coarser one, f = 1 or 2 by axis.
"""

from typing import no_type_check

import numpy as np
from numba import njit, prange


@njit(cache=True)
@no_type_check
def _row(u, out, level, right, run, weights):
    """One run of `smooth`; contiguous slices that start at 0 let the loop be vectorised."""
    wx, wy, wz, diagonal, inverse = level
    x, y, start, stop = run[0], run[1], run[2], run[3]
    here, found, b = u[x, y, start - 1 : stop + 1], out[x, y, start:stop], right[x, y, start:stop]
    west, east, south, north = u[x - 1, y, start:stop], u[x + 1, y, start:stop], u[x, y - 1, start:stop], u[x, y + 1, start:stop]
    x0, x1, y0, y1 = wx[x, y, start:stop], wx[x + 1, y, start:stop], wy[x, y, start:stop], wy[x, y + 1, start:stop]
    z, d, scale = wz[x, y, start : stop + 1], diagonal[x, y, start:stop], inverse[x, y, start:stop]
    momentum, step = weights
    for i in range(stop - start):
        c = here[i + 1]
        left = b[i] - d[i] * c + x0[i] * west[i] + x1[i] * east[i] + y0[i] * south[i] + y1[i] * north[i]
        left += z[i] * here[i] + z[i + 1] * here[i + 2]
        found[i] = c + momentum * (c - found[i]) + step * scale[i] * left


@njit(parallel=True, cache=True)
@no_type_check
def smooth(u, out, level, right, runs, weights):
    """out = u + m (u − out) + s D⁻¹(b − A u): one step of a three-term recurrence, `out` being the field before u."""
    for r in prange(len(runs)):
        _row(u, out, level, right, runs[r], weights)


@njit(parallel=True, cache=True)
@no_type_check
def begin(out, right, inverse, step):
    """The same from u = 0."""
    for x in prange(out.shape[0]):
        for y in range(out.shape[1]):
            into, b, scale = out[x, y], right[x, y], inverse[x, y]
            for z in range(len(into)):
                into[z] = step * scale[z] * b[z]


@njit(parallel=True, cache=True)
@no_type_check
def residual(u, out, level, right, runs):
    """out = b − A u."""
    wx, wy, wz, diagonal, _ = level
    for r in prange(len(runs)):
        x, y, start, stop = runs[r]
        here, found, b = u[x, y, start - 1 : stop + 1], out[x, y, start:stop], right[x, y, start:stop]
        west, east, south, north = u[x - 1, y, start:stop], u[x + 1, y, start:stop], u[x, y - 1, start:stop], u[x, y + 1, start:stop]
        x0, x1, y0, y1 = wx[x, y, start:stop], wx[x + 1, y, start:stop], wy[x, y, start:stop], wy[x, y + 1, start:stop]
        z, d = wz[x, y, start : stop + 1], diagonal[x, y, start:stop]
        for i in range(stop - start):
            left = b[i] - d[i] * here[i + 1] + x0[i] * west[i] + x1[i] * east[i] + y0[i] * south[i] + y1[i] * north[i]
            found[i] = left + z[i] * here[i] + z[i + 1] * here[i + 2]


@njit(cache=True)
@no_type_check
def _series(inner, face, other):
    """Resistance from the middle of one pair of cells to that of the next: half of each pair's inner face (if any), and the one between."""
    total = 1.0 / face
    if inner > 0:
        total += 0.5 / inner
    if other > 0:
        total += 0.5 / other
    return total


@njit(parallel=True, cache=True)
@no_type_check
def share(w, axis, out, runs):
    """Of each fine cell, how far it lies on the way (by resistance) from the middle of its pair to the next pair: ¼ where all is even.

    w: conductances with the axis in question first. A cell without a partner is the middle of its pair: 0.
    """
    for r in prange(len(runs)):
        x, y, start, stop = runs[r]
        for z in range(start, stop):
            n = x if axis == 0 else y if axis == 1 else z
            step = 1 - 2 * (n % 2)  # odd cells are the lower of their pair
            at, inner, beyond = n + (1 if step > 0 else 0), n + (0 if step > 0 else 1), n + (2 if step > 0 else -1)
            if axis == 0:
                face, mine = w[at, y, z], w[inner, y, z]
                other = w[beyond, y, z] if 0 <= beyond < w.shape[0] else 0 * mine
            elif axis == 1:
                face, mine = w[x, at, z], w[x, inner, z]
                other = w[x, beyond, z] if 0 <= beyond < w.shape[1] else 0 * mine
            else:
                face, mine = w[x, y, at], w[x, y, inner]
                other = w[x, y, beyond] if 0 <= beyond < w.shape[2] else 0 * mine
            if face > 0 and mine > 0:
                out[x, y, z] = 0.5 / mine / _series(mine, face, other)


@njit(parallel=True, cache=True)
@no_type_check
def join(w, out, factors):
    """Conductances of the coarser grid along the first axis: lines of fine cells side by side, each its resistances in series."""
    f, fy, fz = factors
    for X in prange(2, out.shape[0] - 1):
        low = (X - 1) * f + 1
        for y in range(1, w.shape[1] - 1):
            for z in range(1, w.shape[2] - 1):
                face = w[low, y, z]
                if face > 0:
                    value = face if f == 1 else 1.0 / _series(w[low - 1, y, z], face, w[low + 1, y, z])
                    out[X, (y - 1) // fy + 1, (z - 1) // fz + 1] += value


@njit(parallel=True, cache=True)
@no_type_check
def join_walls(walls, w, out, factors):
    """Conductances to held voxels along the first axis, with the half of the pair's inner face before them."""
    f, fy, fz = factors
    for X in prange(1, out.shape[0] - 1):
        for x in range((X - 1) * f + 1, min(X * f, walls.shape[0] - 2) + 1):
            inner = x + x % 2
            for y in range(1, walls.shape[1] - 1):
                for z in range(1, walls.shape[2] - 1):
                    if walls[x, y, z] > 0:
                        value = walls[x, y, z] if f == 1 else 1.0 / _series(w[inner, y, z], walls[x, y, z], w[0, 0, 0])
                        out[X, (y - 1) // fy + 1, (z - 1) // fz + 1] += value


@njit(parallel=True, cache=True)
@no_type_check
def prolong(coarse, fine, shares, runs, factors):
    """fine += each cell's pair, and by its shares the next pairs along the three axes: exact for linear fields and across layers."""
    tx, ty, tz = shares
    fx, fy, fz = factors
    for r in prange(len(runs)):
        x, y, start, stop = runs[r]
        X, Y = (x - 1) // fx + 1, (y - 1) // fy + 1
        own, west, south = coarse[X, Y], coarse[X + 1 - 2 * (x % 2), Y], coarse[X, Y + 1 - 2 * (y % 2)]
        into, sx, sy, sz = fine[x, y], tx[x, y], ty[x, y], tz[x, y]
        for z in range(start, stop):
            Z = (z - 1) // fz + 1
            c = own[Z]
            into[z] += c + sx[z] * (west[Z] - c) + sy[z] * (south[Z] - c) + sz[z] * (own[Z + 1 - 2 * (z % 2)] - c)


@njit(parallel=True, cache=True)
@no_type_check
def restrict(fine, coarse, shares, factors):
    """The transpose of `prolong`: what each coarse cell gathers from its own cells and from those that lean on it."""
    tx, ty, tz = shares
    fx, fy, fz = factors
    for X in prange(1, coarse.shape[0] - 1):
        x0, x1 = (X - 1) * fx + 1, min(X * fx, fine.shape[0] - 2) + 1
        row = np.zeros(fine.shape[2], dtype=fine.dtype)
        for Y in range(1, coarse.shape[1] - 1):
            y0, y1 = (Y - 1) * fy + 1, min(Y * fy, fine.shape[1] - 2) + 1
            row[:] = 0
            for x in range(x0, x1):
                for y in range(y0, y1):
                    for z in range(len(row)):
                        row[z] += fine[x, y, z] * (1 - tx[x, y, z] - ty[x, y, z] - tz[x, y, z])
                    if fy == 2:
                        for beyond in (y0 - 1, y0 + 2):
                            if y == y0 and 0 < beyond < fine.shape[1] - 1:
                                for z in range(len(row)):
                                    row[z] += fine[x, beyond, z] * ty[x, beyond, z]
            if fx == 2:
                for beyond in (x0 - 1, x0 + 2):
                    if 0 < beyond < fine.shape[0] - 1:
                        for y in range(y0, y1):
                            for z in range(len(row)):
                                row[z] += fine[beyond, y, z] * tx[beyond, y, z]
            into = coarse[X, Y]
            for Z in range(1, len(into) - 1):
                total = row[(Z - 1) * fz + 1]
                if fz == 2 and len(row) > Z * 2:
                    total += row[Z * 2]
                into[Z] = total
            if fz == 2:
                for x in range(x0, x1):
                    for y in range(y0, y1):
                        for Z in range(1, len(into) - 1):
                            low = (Z - 1) * 2
                            into[Z] += fine[x, y, low] * tz[x, y, low]
                            if low + 3 < len(row):
                                into[Z] += fine[x, y, low + 3] * tz[x, y, low + 3]
