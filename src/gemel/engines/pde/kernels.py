"""Explicit steps of several species, each with its own conductances: one pass over the voxels of the mask a stage.

Stages as in `march`, which steps one species.
"""

from functools import cache
from typing import Any, no_type_check

import numpy as np
from numba import njit, prange


def _run_of(rate: Any) -> Any:
    """One stage along one run of voxels; species on the leading axis."""

    @njit
    @no_type_check
    def run(u, v, out, faces, run, factors, p, f):
        wx, wy, wz = faces
        b, dt = factors
        x, y = run[0], run[1]
        given = p[:, min(x, p.shape[1] - 1), min(y, p.shape[2] - 1)]
        change = np.zeros(len(u), dtype=u.dtype)
        for z in range(run[2], run[3]):
            rate(v[:, x, y, z], given[:, min(z, p.shape[3] - 1)], f, change)
            for s in range(len(u)):
                c = v[s, x, y, z]
                flow = wx[s, x, y, z] * (v[s, x - 1, y, z] - c) + wx[s, x + 1, y, z] * (v[s, x + 1, y, z] - c)
                flow += wy[s, x, y, z] * (v[s, x, y - 1, z] - c) + wy[s, x, y + 1, z] * (v[s, x, y + 1, z] - c)
                flow += wz[s, x, y, z] * (v[s, x, y, z - 1] - c) + wz[s, x, y, z + 1] * (v[s, x, y, z + 1] - c)
                out[s, x, y, z] = u[s, x, y, z] + b * ((c - u[s, x, y, z]) + dt * (flow + change[s]))

    return run


@cache
def advance_of(rate: Any) -> Any:
    """Steps of one length: held (3, species, x, y, z), the field first, room for the stages behind; course (dt, b of each stage).

    f (steps, forcings). Compiled once a session.
    """
    run = _run_of(rate)

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
