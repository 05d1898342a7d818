"""Passes of advection: limited slopes, what goes through faces by the wind, voxels of fast flow in its order, and spreading."""

from typing import no_type_check

import numpy as np
from numba import njit, prange

FREE, OPEN, FAST = 1, 2, 3
"""Kinds of voxels; 0 is outside. What comes to an open one leaves; a fast one takes implicit steps."""
ROUNDING = 1e-14
"""Of the largest value: what a sweep may still change."""


@njit(cache=True)
@no_type_check
def _limited(below, here, above):
    """Monotonised central slope. van Leer 1977, J Comput Phys 23:276, eq. 66."""
    one, other = here - below, above - here
    if one * other <= 0:
        return 0.0
    size = min(2.0 * abs(one), 2.0 * abs(other), 0.5 * abs(one + other))
    return size if one > 0 else -size


@njit(parallel=True, cache=True)
@no_type_check
def slopes(c, kind, out, runs):
    """Half the limited slope along each axis; 0 beside what is no tissue, and in fast voxels."""
    for r in prange(len(runs)):
        x, y, start, stop = runs[r]
        for z in range(start, stop):
            out[0, x, y, z] = out[1, x, y, z] = out[2, x, y, z] = 0.0
            if kind[x, y, z] != FREE:
                continue
            here = c[x, y, z]
            if kind[x - 1, y, z] % 2 and kind[x + 1, y, z] % 2:
                out[0, x, y, z] = 0.5 * _limited(c[x - 1, y, z], here, c[x + 1, y, z])
            if kind[x, y - 1, z] % 2 and kind[x, y + 1, z] % 2:
                out[1, x, y, z] = 0.5 * _limited(c[x, y - 1, z], here, c[x, y + 1, z])
            if kind[x, y, z - 1] % 2 and kind[x, y, z + 1] % 2:
                out[2, x, y, z] = 0.5 * _limited(c[x, y, z - 1], here, c[x, y, z + 1])


@njit(cache=True)
@no_type_check
def _through(flux, below, above):
    """What a face lets through, upwards; below and above: value there and half slope."""
    return flux * (below[0] + below[1]) if flux > 0 else flux * (above[0] - above[1])


@njit(parallel=True, cache=True)
@no_type_check
def carry(u, v, out, slope, of, runs, factors):
    """out = u + b (v − u + dt (−∇·(w v) − k φ v + q)/φ) in free voxels; parts of what is lost and of what leaves, by run."""
    fx, fy, fz, kind, porosity, loss, source = of
    b, dt = factors
    parts = np.zeros((len(runs), 2))
    for r in prange(len(runs)):
        x, y, start, stop = runs[r]
        lost, left = 0.0, 0.0
        for z in range(start, stop):
            if kind[x, y, z] != FREE:
                out[x, y, z] = v[x, y, z]
                continue
            c = v[x, y, z]
            sx, sy, sz = (c, slope[0, x, y, z]), (c, slope[1, x, y, z]), (c, slope[2, x, y, z])
            x0 = _through(fx[x, y, z], (v[x - 1, y, z], slope[0, x - 1, y, z]), sx)
            x1 = _through(fx[x + 1, y, z], sx, (v[x + 1, y, z], slope[0, x + 1, y, z]))
            y0 = _through(fy[x, y, z], (v[x, y - 1, z], slope[1, x, y - 1, z]), sy)
            y1 = _through(fy[x, y + 1, z], sy, (v[x, y + 1, z], slope[1, x, y + 1, z]))
            z0 = _through(fz[x, y, z], (v[x, y, z - 1], slope[2, x, y, z - 1]), sz)
            z1 = _through(fz[x, y, z + 1], sz, (v[x, y, z + 1], slope[2, x, y, z + 1]))
            gone = loss[x, y, z] * porosity[x, y, z] * c
            rate = x0 - x1 + y0 - y1 + z0 - z1 - gone + source[x, y, z]
            out[x, y, z] = u[x, y, z] + b * (c - u[x, y, z] + dt * rate / porosity[x, y, z])
            lost += gone
            left -= x0 * (kind[x - 1, y, z] == OPEN) - x1 * (kind[x + 1, y, z] == OPEN) + y0 * (kind[x, y - 1, z] == OPEN)
            left += y1 * (kind[x, y + 1, z] == OPEN) - z0 * (kind[x, y, z - 1] == OPEN) + z1 * (kind[x, y, z + 1] == OPEN)
        parts[r, 0], parts[r, 1] = lost, left
    return parts


@njit(cache=True)
@no_type_check
def feed(quick, order, through):
    """Mark all that flows into what is marked; whether there was any. order: free voxels from low to high pressure.

    One pass is enough where all flows towards lower pressure; along tensors some does not.
    """
    fx, fy, fz = through
    found = False
    for n in range(len(order)):
        x, y, z = order[n]
        into = (fx[x, y, z] < 0 and quick[x - 1, y, z]) or (fx[x + 1, y, z] > 0 and quick[x + 1, y, z])
        into = into or (fy[x, y, z] < 0 and quick[x, y - 1, z]) or (fy[x, y + 1, z] > 0 and quick[x, y + 1, z])
        into = into or (fz[x, y, z] < 0 and quick[x, y, z - 1]) or (fz[x, y, z + 1] > 0 and quick[x, y, z + 1])
        if into and not quick[x, y, z]:
            quick[x, y, z] = found = True
    return found


@njit(cache=True)
@no_type_check
def downstream(order, shape, through):
    """Whether nothing flows from a voxel to one before it."""
    fx, fy, fz = through
    rank = np.full(shape, -1)
    for n in range(len(order)):
        rank[order[n, 0], order[n, 1], order[n, 2]] = n
    for n in range(len(order)):
        x, y, z = order[n]
        late = (fx[x, y, z] > 0 and rank[x - 1, y, z] > n) or (fx[x + 1, y, z] < 0 and rank[x + 1, y, z] > n)
        late = late or (fy[x, y, z] > 0 and rank[x, y - 1, z] > n) or (fy[x, y + 1, z] < 0 and rank[x, y + 1, z] > n)
        late = late or (fz[x, y, z] > 0 and rank[x, y, z - 1] > n) or (fz[x, y, z + 1] < 0 and rank[x, y, z + 1] > n)
        if late:
            return False
    return True


@njit(cache=True)
@no_type_check
def rush(c, order, of, dt, sweeps):
    """Fast voxels from high to low pressure, each implicit by the wind: Courant's number may be any. What is lost and what leaves.

    Gauss and Seidel's sweeps, of which one is exact where the order is `downstream`; until nothing changes by more than rounding.
    """
    before = np.empty(len(order))
    for n in range(len(order)):
        before[n] = c[order[n, 0], order[n, 1], order[n, 2]]
    tally = np.zeros(4)
    for _ in range(sweeps):
        tally = _sweep(c, order, of, (dt, before))
        if tally[2] <= ROUNDING * tally[3]:
            break
    return tally[:2]


@njit(cache=True)
@no_type_check
def _sweep(c, order, of, way):
    """Once through the fast voxels: what is lost, what leaves, the largest change and the largest value."""
    fx, fy, fz, kind, porosity, loss, source = of
    dt, before = way
    tally = np.zeros(4)
    for n in range(len(order)):
        x, y, z = order[n]
        arrives, goes, away = source[x, y, z], 0.0, 0.0
        for axis in range(3):
            for side in range(2):
                i, j, k = x + side * (axis == 0), y + side * (axis == 1), z + side * (axis == 2)
                flux = fx[i, j, k] if axis == 0 else fy[i, j, k] if axis == 1 else fz[i, j, k]
                out = flux if side else -flux
                step = 2 * side - 1
                p, q, s = x + step * (axis == 0), y + step * (axis == 1), z + step * (axis == 2)
                if out > 0:
                    goes += out
                    away += out * (kind[p, q, s] == OPEN)
                else:
                    arrives -= out * c[p, q, s]
        held = porosity[x, y, z] / dt
        now = (held * before[n] + arrives) / (held + goes + porosity[x, y, z] * loss[x, y, z])
        tally[2], tally[3] = max(tally[2], abs(now - c[x, y, z])), max(tally[3], now)
        c[x, y, z] = now
        tally[0] += porosity[x, y, z] * loss[x, y, z] * now
        tally[1] += away * now
    return tally


@njit(parallel=True, cache=True)
@no_type_check
def spread(c, out, w, of, runs, dt):
    """out = c + dt ∇·(φ D ∇c)/φ; parts of what leaves into open voxels, by run."""
    wx, wy, wz = w
    kind, porosity = of[3], of[4]
    parts = np.zeros(len(runs))
    for r in prange(len(runs)):
        x, y, start, stop = runs[r]
        left = 0.0
        for z in range(start, stop):
            if kind[x, y, z] == OPEN:
                out[x, y, z] = 0.0
                continue
            here = c[x, y, z]
            x0, x1 = wx[x, y, z] * (here - c[x - 1, y, z]), wx[x + 1, y, z] * (here - c[x + 1, y, z])
            y0, y1 = wy[x, y, z] * (here - c[x, y - 1, z]), wy[x, y + 1, z] * (here - c[x, y + 1, z])
            z0, z1 = wz[x, y, z] * (here - c[x, y, z - 1]), wz[x, y, z + 1] * (here - c[x, y, z + 1])
            out[x, y, z] = here - dt * (x0 + x1 + y0 + y1 + z0 + z1) / porosity[x, y, z]
            left += x0 * (kind[x - 1, y, z] == OPEN) + x1 * (kind[x + 1, y, z] == OPEN) + y0 * (kind[x, y - 1, z] == OPEN)
            left += y1 * (kind[x, y + 1, z] == OPEN) + z0 * (kind[x, y, z - 1] == OPEN) + z1 * (kind[x, y, z + 1] == OPEN)
        parts[r] = left
    return parts
