"""Passes of elasticity over voxels: eight-node hexahedra in modes of their corners, never a matrix.

Displacements of the corners are taken apart into products of ξ, η, ζ (sums and differences, 72 operations); in these modes the stiffness
of a brick is nearly diagonal, and exact: μ terms integrated in full, λ terms too, or by the mean dilatation of the voxel, which does not
lock (selective reduced integration; Malkus & Hughes 1978, Comput Methods Appl Mech Eng 15:63). Nodes (x + 1, y + 1, z + 1, 3).
"""

from typing import no_type_check

import numpy as np
from numba import njit, prange


@njit(cache=True)
@no_type_check
def _column(u00, u10, u01, u11, k, c):
    """Sum, differences along x and y, and of both, of four corners of one component."""
    a, b, d, e = u00[k, c], u10[k, c], u01[k, c], u11[k, c]
    low, high, rise, lift = a + b, d + e, b - a, e - d
    return low + high, rise + lift, high - low, lift - rise


@njit(cache=True)
@no_type_check
def _spread(f00, f10, f01, f11, at, g):
    """The transpose of `_column`, added."""
    k, c = at
    s, x, y, xy = g
    f00[k, c] += (s - x) - (y - xy)
    f10[k, c] += (s + x) - (y + xy)
    f01[k, c] += (s - x) + (y - xy)
    f11[k, c] += (s + x) + (y + xy)


@njit(cache=True)
@no_type_check
def _brick(low, high, lam, mu, edges):
    """Modal forces of one brick on its lower and upper face, from modal displacements of both; edges: 2/h, ⅓, ⅑, and
    the part of the λ term beyond the mean dilatation that counts: 0, or 1 for full integration."""
    a, b, c, third, ninth, rest = edges
    (_, ux0, uy0, uxy0), (_, vx0, vy0, vxy0), (_, wx0, wy0, wxy0) = low
    (_, ux1, uy1, uxy1), (_, vx1, vy1, vxy1), (_, wx1, wy1, wxy1) = high
    uz, vz, wz = high[0][0] - low[0][0], high[1][0] - low[1][0], high[2][0] - low[2][0]
    ux, uy, uxy, vx, vy, vxy, wx, wy, wxy = (
        ux0 + ux1,
        uy0 + uy1,
        uxy0 + uxy1,
        vx0 + vx1,
        vy0 + vy1,
        vxy0 + vxy1,
        wx0 + wx1,
        wy0 + wy1,
        wxy0 + wxy1,
    )
    uzx, uyz, uxyz, vzx, vyz, vxyz = ux1 - ux0, uy1 - uy0, uxy1 - uxy0, vx1 - vx0, vy1 - vy0, vxy1 - vxy0
    wzx, wyz, wxyz = wx1 - wx0, wy1 - wy0, wxy1 - wxy0
    aa, bb, cc, m3, m9, two = a * a, b * b, c * c, mu * third, mu * ninth, mu + mu
    p = lam * (a * ux + b * vy + c * wz)
    sxy, szx, syz = mu * (b * uy + a * vx), mu * (c * uz + a * wx), mu * (c * vz + b * wy)
    txy, tzx, tyz = m3 * (b * uyz + a * vzx), m3 * (c * uyz + a * wxy), m3 * (c * vzx + b * wxy)
    gux, guy, guz = a * p + two * aa * ux, b * sxy, c * szx
    gvx, gvy, gvz = a * sxy, b * p + two * bb * vy, c * syz
    gwx, gwy, gwz = a * szx, b * syz, c * p + two * cc * wz
    l3, l9 = rest * lam * third, rest * lam * ninth
    dx, dy, dz = l3 * (b * vxy + c * wzx), l3 * (a * uxy + c * wyz), l3 * (a * uzx + b * vyz)
    guxy, guzx = m3 * (aa + aa + bb) * uxy + a * dy, m3 * (aa + aa + cc) * uzx + a * dz
    gvxy, gvyz = m3 * (bb + bb + aa) * vxy + b * dx, m3 * (bb + bb + cc) * vyz + b * dz
    gwyz, gwzx = m3 * (cc + cc + bb) * wyz + c * dy, m3 * (cc + cc + aa) * wzx + c * dx
    guyz, gvzx, gwxy = b * txy + c * tzx, a * txy + c * tyz, a * tzx + b * tyz
    ends = aa + bb + cc
    guxyz, gvxyz, gwxyz = (m9 * (aa + ends) + l9 * aa) * uxyz, (m9 * (bb + ends) + l9 * bb) * vxyz, (m9 * (cc + ends) + l9 * cc) * wxyz
    below = (
        (-guz, gux - guzx, guy - guyz, guxy - guxyz),
        (-gvz, gvx - gvzx, gvy - gvyz, gvxy - gvxyz),
        (-gwz, gwx - gwzx, gwy - gwyz, gwxy - gwxyz),
    )
    above = (
        (guz, gux + guzx, guy + guyz, guxy + guxyz),
        (gvz, gvx + gvzx, gvy + gvyz, gvxy + gvxyz),
        (gwz, gwx + gwzx, gwy + gwyz, gwxy + gwxyz),
    )
    return below, above


@njit(cache=True)
@no_type_check
def _plus(one, other):
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]


@njit(parallel=True, cache=True)
@no_type_check
def stiffness(u, out, moduli, rows, edges):
    """out = K u. moduli: λ V/64 and μ V/64 of each voxel; rows (colours, n, 4): x, y and the first and last voxel; edges: 2/hₓ, … ."""
    lam, mu = moduli
    zero = edges[0] - edges[0]
    for x in prange(out.shape[0]):
        out[x] = zero
    for colour in range(2):
        for n in prange(len(rows[colour]) - 1):
            for r in range(rows[colour][n], rows[colour][n + 1]):
                x, y, start, stop = rows[2][r], rows[3][r], rows[4][r], rows[5][r]
                u00, u10, u01, u11 = u[x, y], u[x + 1, y], u[x, y + 1], u[x + 1, y + 1]
                f00, f10, f01, f11 = out[x, y], out[x + 1, y], out[x, y + 1], out[x + 1, y + 1]
                held = (zero, zero, zero, zero)
                c0, c1, c2 = held, held, held
                low = (_column(u00, u10, u01, u11, start, 0), _column(u00, u10, u01, u11, start, 1), _column(u00, u10, u01, u11, start, 2))
                for k in range(start, stop):
                    high = (
                        _column(u00, u10, u01, u11, k + 1, 0),
                        _column(u00, u10, u01, u11, k + 1, 1),
                        _column(u00, u10, u01, u11, k + 1, 2),
                    )
                    below, above = _brick(low, high, lam[x, y, k], mu[x, y, k], edges)
                    _spread(f00, f10, f01, f11, (k, 0), _plus(below[0], c0))
                    _spread(f00, f10, f01, f11, (k, 1), _plus(below[1], c1))
                    _spread(f00, f10, f01, f11, (k, 2), _plus(below[2], c2))
                    c0, c1, c2 = above
                    low = high
                _spread(f00, f10, f01, f11, (stop, 0), c0)
                _spread(f00, f10, f01, f11, (stop, 1), c1)
                _spread(f00, f10, f01, f11, (stop, 2), c2)


@njit(parallel=True, cache=True)
@no_type_check
def improve(u, old, image, right, inverse, weights):
    """old = u + m (u − old) + s D⁻¹ (b − K u)."""
    momentum, step = weights
    for x in prange(u.shape[0]):
        a, b, c, d, e = u[x].ravel(), old[x].ravel(), image[x].ravel(), right[x].ravel(), inverse[x].ravel()
        for i in range(len(a)):
            b[i] = a[i] + momentum * (a[i] - b[i]) + step * e[i] * (d[i] - c[i])


@njit(parallel=True, cache=True)
@no_type_check
def restrict(fine, image, inverse, coarse, factors):
    """coarse = Pᵀ (fine − image) of what is free (inverse over 0), P trilinear."""
    fx, fy, fz = factors
    zero = coarse[0, 0, 0, 0] - coarse[0, 0, 0, 0]
    half = np.exp(zero) / (np.exp(zero) + np.exp(zero))
    for X in prange(coarse.shape[0]):
        for Y in range(coarse.shape[1]):
            into = coarse[X, Y]
            into[:] = zero
            for x in range(max(X * fx - fx + 1, 0), min(X * fx + fx, fine.shape[0])):
                for y in range(max(Y * fy - fy + 1, 0), min(Y * fy + fy, fine.shape[1])):
                    weight = (half + half if x == X * fx else half) * (half + half if y == Y * fy else half)
                    a, b, c = fine[x, y], image[x, y], inverse[x, y]
                    for z in range(len(a)):
                        low, high = z // fz, (z + fz - 1) // fz
                        part = weight if low == high else weight * half
                        for k in range(3):
                            if c[z, k] > 0:
                                into[low, k] += part * (a[z, k] - b[z, k])
                                if high > low:
                                    into[high, k] += part * (a[z, k] - b[z, k])


@njit(parallel=True, cache=True)
@no_type_check
def prolong(coarse, fine, inverse, factors):
    """fine += P coarse where free."""
    fx, fy, fz = factors
    zero = coarse[0, 0, 0, 0] - coarse[0, 0, 0, 0]
    eighth = np.exp(zero) / (2 * 2 * 2)
    part = coarse.dtype.type(eighth)
    for x in prange(fine.shape[0]):
        x0, x1 = x // fx, (x + fx - 1) // fx
        for y in range(fine.shape[1]):
            y0, y1 = y // fy, (y + fy - 1) // fy
            a, b, c, d = coarse[x0, y0], coarse[x0, y1], coarse[x1, y0], coarse[x1, y1]
            for z in range(fine.shape[2]):
                z0, z1 = z // fz, (z + fz - 1) // fz
                for k in range(3):
                    if inverse[x, y, z, k] > 0:
                        total = a[z0, k] + a[z1, k] + b[z0, k] + b[z1, k] + c[z0, k] + c[z1, k] + d[z0, k] + d[z1, k]
                        fine[x, y, z, k] += part * total
