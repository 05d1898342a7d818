"""Compiled line integrals by linear interpolation across the main axis of each ray. Joseph 1982, IEEE Trans Med Imaging 1:192.

All rows of one detector column share one path in the plane of rotation. It is walked once for all rows and materials: each step adds two
neighbouring columns of voxels, and the rows read that sum at their own heights. Work: views·u·steps·(2·nz + 3·nv) loads a material. Columns
without content are skipped. Outside the grid everything is 0. Steps are along x or y: rays steeper than 45° against the plane of
rotation are sampled less than once a voxel.
"""

from typing import no_type_check

import numpy as np
from numba import njit, prange

_F = np.float32


@njit(inline="always")
@no_type_check
def path_of(start, direction, place):
    """A ray in steps of the main axis: strides along and across it, distance (first, step) along the ray, place (first, step) across it,
    planes from low to high (none before the start), voxels across, length of a step. Rows of `place`: voxels, first centre, spacing.
    """
    main, cross = (0, 1) if abs(direction[0]) >= abs(direction[1]) else (1, 0)
    n_main, n_cross, ny = int(place[0, main]), int(place[0, cross]), int(place[0, 1])
    ds = place[2, main] / direction[main]
    s0 = (place[1, main] - start[main]) / direction[main]
    dc = ds * direction[cross] / place[2, cross]
    c0 = (start[cross] + s0 * direction[cross] - place[1, cross]) / place[2, cross]
    low, high = 0, n_main
    if abs(dc) > 1e-12:
        a, b = (-1.0 - c0) / dc, (n_cross - c0) / dc
        low = max(0, int(np.ceil(max(min(a, b), 0.0))))
        high = min(n_main, int(np.floor(min(max(a, b), n_main - 1.0))) + 1)
    elif c0 <= -1.0 or c0 >= n_cross:
        high = 0
    if ds > 0:
        low = max(low, int(np.floor(max(-s0 / ds, -1.0))) + 1)
    else:
        high = min(high, int(np.ceil(min(max(-s0 / ds, 0.0), n_main))))
    s_main, s_cross = (ny, 1) if main == 0 else (1, ny)
    return s_main, s_cross, s0, ds, c0, dc, low, high, n_cross, abs(ds)


@njit(inline="always")
@no_type_check
def pair_at(c, n_cross):
    """Neighbours of a place across the main axis, kept within the grid, and their weights."""
    j = int(c + 1.0) - 1
    f = c - j
    w0 = _F(1.0 - f) if 0 <= j < n_cross else _F(0)
    w1 = _F(f) if j + 1 < n_cross else _F(0)
    return min(max(j, 0), n_cross - 1), min(j + 1, n_cross - 1), w0, w1


@njit(parallel=True, cache=True, fastmath={"contract"})
@no_type_check
def stack_kernel(values, filled, start, direction, place, out):
    """Rays in planes of constant z: values (column, channel), out (views, u, channel); a channel is a slice of a material."""
    channels = values.shape[1]
    for view in prange(out.shape[0]):
        for u in range(out.shape[1]):
            o, d, line = start[view, u], direction[view, u], out[view, u]
            s_main, s_cross, _, _, c0, dc, low_i, high_i, n_cross, length = path_of(o, d, place)
            for i in range(low_i, high_i):
                ja, jb, w0, w1 = pair_at(c0 + i * dc, n_cross)
                a, b = i * s_main + ja * s_cross, i * s_main + jb * s_cross
                if not (filled[a] or filled[b]):
                    continue
                for c in range(channels):
                    line[c] += w0 * values[a, c] + w1 * values[b, c]
            for c in range(channels):
                line[c] *= _F(length)


@njit(parallel=True, cache=True, fastmath={"contract"})
@no_type_check
def cone_kernel(values, filled, rays, place, panel, out):
    """Rays to a panel: values (material, column, z), out (views, u, material, v); `panel`: z of the source by view, first v, pitch of v."""
    start, direction, reach = rays
    source_z, v0, pitch_v = panel
    materials, nz, nv = values.shape[0], values.shape[2], out.shape[3]
    for view in prange(out.shape[0]):
        column = np.zeros(nz + 3, dtype=np.float32)
        for u in range(out.shape[1]):
            o, d = start[view, u], direction[view, u]
            s_main, s_cross, s0, ds, c0, dc, low_i, high_i, n_cross, length = path_of(o, d, place)
            for i in range(low_i, high_i):
                ja, jb, w0, w1 = pair_at(c0 + i * dc, n_cross)
                a, b = i * s_main + ja * s_cross, i * s_main + jb * s_cross
                if not (filled[a] or filled[b]):
                    continue
                slope = (s0 + i * ds) / (reach[u] * place[2, 2])
                zero = 1.0 + (source_z[view] - place[1, 2]) / place[2, 2] + slope * v0
                rise = slope * pitch_v
                low = max(0, int(np.ceil(-zero / rise)))
                high = min(nv, int(np.ceil((nz + 1 - zero) / rise)))
                for m in range(materials):
                    va, vb = values[m, a], values[m, b]
                    for k in range(nz):
                        column[k + 1] = w0 * va[k] + w1 * vb[k]
                    _read(column, _F(zero), _F(rise), low, high, out[view, u, m])
            for m in range(materials):
                for r in range(nv):
                    slant = (v0 + r * pitch_v) / reach[u]
                    out[view, u, m, r] *= _F(length * np.sqrt(1.0 + slant * slant))


@njit(inline="always")
@no_type_check
def _read(column, zero, rise, low, high, line):
    """Adds the column, linear between its nodes, at the height of each row."""
    for r in range(low, high):
        p = max(zero + rise * _F(r), _F(0))
        k = np.uint32(p)
        f = p - _F(k)
        line[r] += column[k] + f * (column[k + 1] - column[k])
