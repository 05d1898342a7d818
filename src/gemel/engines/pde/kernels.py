"""Explicit steps, each stage in a single pass over the voxels of the mask.

Every stage is u' = u + b (v − u + dt (∇·D∇v + r(v))): Shu & Osher's form, in which what does not change stays the same to the last bit.
Bytes an update in float32: u, v, three conductances and u' (twice, for it is fetched first) 28, 24 in the first stage, where v is u;
operations: 6 (w (v_j − v_i) and sum) × 3 − 1, dt and b 5, and those of the reaction. A pass is bound by memory beyond the cache.
"""

from functools import cache
from typing import Any, no_type_check

import numpy as np
from numba import njit, prange

from gemel.engines.pde.reaction import logistic_rate

STAGES = {1: np.array([1.0]), 2: np.array([1.0, 0.5]), 3: np.array([1.0, 0.25, 2.0 / 3.0])}
"""b of each stage: Euler, Heun, and the third-order method of Shu & Osher 1988, J Comput Phys 77:439, eq. 2.18."""


@cache
def _rows_of(count: int) -> Any:
    """The rows of the first `count` parameters as a tuple, contiguous."""
    if count == 1:
        return njit(lambda p, x, y, start, stop: (p[0, x, y, start:stop],))
    before, last = _rows_of(count - 1), count - 1
    return njit(lambda p, x, y, start, stop: before(p, x, y, start, stop) + (p[last, x, y, start:stop],))  # noqa: RUF005 (numba)


@cache
def _values_of(count: int) -> Any:
    """Element i of each of `count` rows."""
    if count == 1:
        return njit(lambda rows, i: (rows[0][i],))
    before, last = _values_of(count - 1), count - 1
    return njit(lambda rows, i: before(rows, i) + (rows[last][i],))  # noqa: RUF005 (numba)


def _run_of(rate: Any, parameters: int) -> Any:
    """One stage of one species along one run of voxels; contiguous slices that start at 0 let the loop be vectorised."""
    rows, values = _rows_of(parameters), _values_of(parameters)

    @njit
    @no_type_check
    def run(u, v, out, faces, run, factors, p, f):
        wx, wy, wz = faces
        b, dt = factors
        x, y, start, stop = run[0], run[1], run[2], run[3]
        here, there, base, found = v[x, y, start - 1 : stop + 1], v[x - 1, y, start:stop], u[x, y, start:stop], out[x, y, start:stop]
        beyond, below, above = v[x + 1, y, start:stop], v[x, y - 1, start:stop], v[x, y + 1, start:stop]
        x0, x1, y0, y1 = wx[x, y, start:stop], wx[x + 1, y, start:stop], wy[x, y, start:stop], wy[x, y + 1, start:stop]
        z = wz[x, y, start : stop + 1]
        given = rows(p, min(x, p.shape[1] - 1), min(y, p.shape[2] - 1), start, stop)
        for i in range(stop - start):
            c = here[i + 1]
            flow = x0[i] * (there[i] - c) + x1[i] * (beyond[i] - c) + y0[i] * (below[i] - c) + y1[i] * (above[i] - c)
            flow += z[i] * (here[i] - c) + z[i + 1] * (here[i + 2] - c)
            found[i] = base[i] + b * ((c - base[i]) + dt * (flow + rate(c, values(given, i), f)))

    return run


def _run_of_many(rate: Any) -> Any:
    """The same for several species (leading axis), each with its own conductances."""

    @njit
    @no_type_check
    def run(u, v, out, faces, run, factors, p, f):
        wx, wy, wz = faces
        b, dt = factors
        x, y = run[0], run[1]
        given = p[:, min(x, p.shape[1] - 1), min(y, p.shape[2] - 1)]
        change = np.zeros(len(u), dtype=u.dtype)
        for z in range(run[2], run[3]):
            rate(v[:, x, y, z], given[:, z], f, change)
            for s in range(len(u)):
                c = v[s, x, y, z]
                flow = wx[s, x, y, z] * (v[s, x - 1, y, z] - c) + wx[s, x + 1, y, z] * (v[s, x + 1, y, z] - c)
                flow += wy[s, x, y, z] * (v[s, x, y - 1, z] - c) + wy[s, x, y + 1, z] * (v[s, x, y + 1, z] - c)
                flow += wz[s, x, y, z] * (v[s, x, y, z - 1] - c) + wz[s, x, y, z + 1] * (v[s, x, y, z + 1] - c)
                out[s, x, y, z] = u[s, x, y, z] + b * ((c - u[s, x, y, z]) + dt * (flow + change[s]))

    return run


_run_logistic = _run_of(logistic_rate, 2)


@njit(parallel=True, cache=True)
@no_type_check
def advance_logistic(held, faces, runs, course, p, f):
    """Steps of one length of logistic growth: held (3, x, y, z), the field first, room for the stages behind; course (dt, b of each stage).

    f (steps, forcings). Kept compiled on disk, which that of a reaction handed in cannot be (`advance_of`).
    """
    dt, stages = course
    last = len(stages) - 1
    for n in range(len(f)):
        for s in range(last + 1):
            source, target = held[s], held[(s + 1) % (last + 1) if last > 0 else 1]
            for r in prange(len(runs)):
                _run_logistic(held[0], source, target, faces, runs[r], (stages[s], dt), p, f[n])
        if last == 0:
            held[0] = held[1]


@cache
def advance_of(rate: Any, parameters: int, many: bool) -> Any:
    """The same of any reaction, for one species or several (held (3, species, x, y, z)); compiled once a session."""
    run = _run_of_many(rate) if many else _run_of(rate, parameters)

    @njit(parallel=True)
    @no_type_check
    def advance(held, faces, runs, course, p, f):
        dt, stages = course
        last = len(stages) - 1
        for n in range(len(f)):
            for s in range(last + 1):
                source, target = held[s], held[(s + 1) % (last + 1) if last > 0 else 1]
                for r in prange(len(runs)):
                    run(held[0], source, target, faces, runs[r], (stages[s], dt), p, f[n])
            if last == 0:
                held[0] = held[1]

    return advance
