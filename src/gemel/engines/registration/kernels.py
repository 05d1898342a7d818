"""Trilinear sampling in compiled loops: an image pulled through a field, and one field followed by another."""

from typing import no_type_check

import numpy as np
from numba import njit, prange

_F = np.float32


@njit(inline="always")
@no_type_check
def _cell(p, n):
    """Lower node and fraction of a position clamped to [0, n-1]."""
    p = min(max(p, 0.0), n - 1.0)
    i = min(int(p), max(n - 2, 0))
    return i, min(i + 1, n - 1), _F(p - i)


@njit(inline="always")
@no_type_check
def _linear(a, x, y, z):
    """Trilinear value, nearest edge outside."""
    i0, i1, fx = _cell(x, a.shape[0])
    j0, j1, fy = _cell(y, a.shape[1])
    k0, k1, fz = _cell(z, a.shape[2])
    c00 = a[i0, j0, k0] + fz * (a[i0, j0, k1] - a[i0, j0, k0])
    c01 = a[i0, j1, k0] + fz * (a[i0, j1, k1] - a[i0, j1, k0])
    c10 = a[i1, j0, k0] + fz * (a[i1, j0, k1] - a[i1, j0, k0])
    c11 = a[i1, j1, k0] + fz * (a[i1, j1, k1] - a[i1, j1, k0])
    c0 = c00 + fy * (c01 - c00)
    c1 = c10 + fy * (c11 - c10)
    return c0 + fx * (c1 - c0)


@njit(inline="always")
@no_type_check
def _vector(v, x, y, z):
    """Trilinear vector, nearest node outside."""
    i0, i1, fx = _cell(x, v.shape[0])
    j0, j1, fy = _cell(y, v.shape[1])
    k0, k1, fz = _cell(z, v.shape[2])
    gx, gy, gz = _F(1) - fx, _F(1) - fy, _F(1) - fz
    w000, w001, w010, w011 = gx * gy * gz, gx * gy * fz, gx * fy * gz, gx * fy * fz
    w100, w101, w110, w111 = fx * gy * gz, fx * gy * fz, fx * fy * gz, fx * fy * fz
    s0, s1, s2 = _F(0), _F(0), _F(0)
    for i, j, k, w in (
        (i0, j0, k0, w000), (i0, j0, k1, w001), (i0, j1, k0, w010), (i0, j1, k1, w011),
        (i1, j0, k0, w100), (i1, j0, k1, w101), (i1, j1, k0, w110), (i1, j1, k1, w111),
    ):  # fmt: skip
        s0 += w * v[i, j, k, 0]
        s1 += w * v[i, j, k, 1]
        s2 += w * v[i, j, k, 2]
    return s0, s1, s2


@njit(inline="always")
@no_type_check
def affine(m, x, y, z):
    """First three rows of m @ (x, y, z, 1)."""
    return (
        m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3],
        m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3],
        m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3],
    )


@njit(inline="always")
@no_type_check
def moved(vectors, to_field, to_mm, x, y, z):
    """Where x + u(x) lies, in mm, of the point at index (x, y, z) of an image."""
    fx, fy, fz = affine(to_field, x, y, z)
    u0, u1, u2 = _vector(vectors, fx, fy, fz)
    px, py, pz = affine(to_mm, x, y, z)
    return px + u0, py + u1, pz + u2


@njit(parallel=True, cache=True)
@no_type_check
def pull_kernel(source, vectors, to_field, to_mm, mm_to_source, outside, nearest, out):
    """out(x) = source(x + u(x)) at each voxel of `out`; `outside` NaN keeps the nearest edge. The matrices act on indices of `out`."""
    clamp = np.isnan(outside)
    nx, ny, nz = source.shape
    for i in prange(out.shape[0]):
        for j in range(out.shape[1]):
            for k in range(out.shape[2]):
                fx, fy, fz = affine(to_field, i, j, k)
                u0, u1, u2 = _vector(vectors, fx, fy, fz)
                x, y, z = affine(to_mm, i, j, k)
                x, y, z = affine(mm_to_source, x + u0, y + u1, z + u2)
                inside = -0.5 <= x <= nx - 0.5 and -0.5 <= y <= ny - 0.5 and -0.5 <= z <= nz - 0.5
                if not (clamp or inside):
                    out[i, j, k] = outside
                elif nearest:
                    x, y, z = np.floor(x + 0.5), np.floor(y + 0.5), np.floor(z + 0.5)
                    out[i, j, k] = _linear(source, x, y, z)
                else:
                    out[i, j, k] = _linear(source, x, y, z)


@njit(parallel=True, cache=True)
@no_type_check
def compose_kernel(outer, inner, to_mm, mm_to_outer, out):
    """out(x) = inner(x) + outer(x + inner(x)) at each node x of `inner`."""
    for i in prange(inner.shape[0]):
        for j in range(inner.shape[1]):
            for k in range(inner.shape[2]):
                u0, u1, u2 = inner[i, j, k, 0], inner[i, j, k, 1], inner[i, j, k, 2]
                x, y, z = affine(to_mm, i, j, k)
                x, y, z = affine(mm_to_outer, x + u0, y + u1, z + u2)
                v0, v1, v2 = _vector(outer, x, y, z)
                out[i, j, k, 0] = u0 + v0
                out[i, j, k, 1] = u1 + v1
                out[i, j, k, 2] = u2 + v2


@njit(parallel=True, cache=True)
@no_type_check
def normal_kernel(warped, residual, weight, to_mm, every, matrix, right):
    """At each node the sums over voxels of w t g gᵀ (6 entries: xx xy xz yy yz zz) and of w t g r.

    g is the gradient of `warped` in 1/mm (`to_mm` turns index slopes), t the linear interpolation weight of the node at the voxel.
    """
    nx, ny, nz = warped.shape
    for i in prange(right.shape[0]):
        for j in range(right.shape[1]):
            for k in range(right.shape[2]):
                m = np.zeros(6, np.float32)
                b = np.zeros(3, np.float32)
                for x in range(max(every * (i - 1) + 1, 0), min(every * (i + 1), nx)):
                    tx = 1 - abs(x - every * i) / every
                    for y in range(max(every * (j - 1) + 1, 0), min(every * (j + 1), ny)):
                        ty = tx * (1 - abs(y - every * j) / every)
                        for z in range(max(every * (k - 1) + 1, 0), min(every * (k + 1), nz)):
                            w = weight[x, y, z]
                            if w == 0:
                                continue
                            x0, x1, y0, y1 = max(x - 1, 0), min(x + 1, nx - 1), max(y - 1, 0), min(y + 1, ny - 1)
                            z0, z1 = max(z - 1, 0), min(z + 1, nz - 1)
                            hx = (warped[x1, y, z] - warped[x0, y, z]) / max(x1 - x0, 1)
                            hy = (warped[x, y1, z] - warped[x, y0, z]) / max(y1 - y0, 1)
                            hz = (warped[x, y, z1] - warped[x, y, z0]) / max(z1 - z0, 1)
                            g0 = to_mm[0, 0] * hx + to_mm[0, 1] * hy + to_mm[0, 2] * hz
                            g1 = to_mm[1, 0] * hx + to_mm[1, 1] * hy + to_mm[1, 2] * hz
                            g2 = to_mm[2, 0] * hx + to_mm[2, 1] * hy + to_mm[2, 2] * hz
                            t = w * ty * (1 - abs(z - every * k) / every)
                            r = residual[x, y, z]
                            b[0] += t * g0 * r
                            b[1] += t * g1 * r
                            b[2] += t * g2 * r
                            m[0] += t * g0 * g0
                            m[1] += t * g0 * g1
                            m[2] += t * g0 * g2
                            m[3] += t * g1 * g1
                            m[4] += t * g1 * g2
                            m[5] += t * g2 * g2
                right[i, j, k] = b
                matrix[i, j, k] = m


@njit(cache=True)
@no_type_check
def smooth_kernel(field, taps, out):
    """Symmetric filter along the middle axis of (outer, n, inner), zero beyond the ends; taps[0] is the centre."""
    outer, n, inner = field.shape
    for row in range(outer * n):
        a, i = row // n, row % n
        for b in range(inner):
            out[a, i, b] = taps[0] * field[a, i, b]
        for t in range(1, len(taps)):
            if i - t >= 0:
                for b in range(inner):
                    out[a, i, b] += taps[t] * field[a, i - t, b]
            if i + t < n:
                for b in range(inner):
                    out[a, i, b] += taps[t] * field[a, i + t, b]


@njit(cache=True)
@no_type_check
def times_kernel(matrix, v, out):
    """Symmetric 3 x 3 matrix (xx xy xz yy yz zz) times vector at each node."""
    for i in range(v.shape[0]):
        for j in range(v.shape[1]):
            for k in range(v.shape[2]):
                m, x, y, z = matrix[i, j, k], v[i, j, k, 0], v[i, j, k, 1], v[i, j, k, 2]
                out[i, j, k, 0] = m[0] * x + m[1] * y + m[2] * z
                out[i, j, k, 1] = m[1] * x + m[3] * y + m[4] * z
                out[i, j, k, 2] = m[2] * x + m[4] * y + m[5] * z
