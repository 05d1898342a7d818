"""Explicit steps of one species: all stages of a step in one sweep through the grid.

Every stage is u' = u + b (v − u + dt (s ∇·D∇v + r(v))): Shu & Osher's form, in which what does not change stays the same to the last bit.
Stage n + 1 follows stage n one plane behind, from a ring of three planes that stays in the cache; so a step of any order moves, of main
memory, u, three conductances and u' (twice, for it is fetched first): 24 bytes a voxel in float32. Operations a stage: 18 for the
divergence, 6 for the stage, and those of the reaction. Slabs of planes go to threads; each computes its neighbours' few planes anew.
Indices are unsigned: with signed ones each access is tested for counting from the end, and loops are not vectorised.
"""

from functools import cache
from typing import Any, no_type_check

import numpy as np
from numba import njit, prange

from gemel.engines.pde.reaction import standard_rate

STAGES = {1: np.array([1.0]), 2: np.array([1.0, 0.5]), 3: np.array([1.0, 0.25, 2.0 / 3.0])}
"""b of each stage: Euler, Heun, and the third-order method of Shu & Osher 1988, J Comput Phys 77:439, eq. 2.18."""


@njit(cache=True)
@no_type_check
def numbers(p, x, i):
    """Parameters that are the same everywhere: a tuple of numbers."""
    return p


@njit(cache=True)
@no_type_check
def maps(p, x, i):
    """Those of a standard reaction in voxel i of plane x: its kind, and two maps."""
    return p[0], p[1][x, i], p[2][x, i]


@cache
def values_of(count: int) -> Any:
    """Those of a reaction handed in: `count` maps (or one voxel that serves everywhere), as a tuple."""
    if count == 1:
        return njit(lambda p, x, i: (p[0, x % p.shape[1], i % p.shape[2]],))
    before, last = values_of(count - 1), count - 1
    return njit(lambda p, x, i: before(p, x, i) + (p[last, x % p.shape[1], i % p.shape[2]],))  # noqa: RUF005 (numba)


def plane_of(rate: Any, values: Any) -> Any:
    """One stage over one plane."""

    @njit
    @no_type_check
    def plane(v, base, out, faces, of, factors, p, f):
        before, here, after = v
        x0, x1, y, z = faces
        table, x, stride = of
        b, dt, scale = factors
        up, one = np.uint64(stride), np.uint64(1)
        for r in range(len(table)):
            for i in range(np.uint64(table[r, 0]), np.uint64(table[r, 1])):
                c = here[i]
                flow = x0[i] * (before[i] - c) + x1[i] * (after[i] - c) + y[i] * (here[i - up] - c) + y[i + up] * (here[i + up] - c)
                flow += z[i] * (here[i - one] - c) + z[i + one] * (here[i + one] - c)
                out[i] = base[i] + b * ((c - base[i]) + dt * (scale * flow + rate(c, values(p, x, i), f)))

    return plane


@cache
def slab_of(rate: Any, values: Any) -> Any:
    """One step over the planes from ends[0] to ends[1]: source (x, plane) to target; `room` (stages − 1, 3, plane) between."""
    plane = plane_of(rate, values)

    @njit
    @no_type_check
    def slab(source, target, faces, of, ends, course, p, f, room):
        wx, wy, wz = faces
        table, first, stride = of
        dt, stages, scale = course
        last = len(stages) - 1
        for front in range(ends[0] - last, ends[1] + 2 * last):
            for s in range(last + 1):
                x, more = front - s, last - s
                if x < max(ends[0] - more, 1) or x >= min(ends[1] + more, len(source) - 1):
                    continue
                if s == 0:
                    v = (source[x - 1], source[x], source[x + 1])
                else:
                    v = (room[s - 1, (x - 1) % 3], room[s - 1, x % 3], room[s - 1, (x + 1) % 3])
                out = target[x] if s == last else room[s, x % 3]
                where = (table[first[x] : first[x + 1]], np.uint64(x), stride)
                plane(v, source[x], out, (wx[x], wx[x + 1], wy[x], wz[x]), where, (stages[s], dt, scale), p, f)

    return slab


@cache
def march_of(rate: Any, values: Any, parallel: bool = True) -> Any:
    """Steps of one length: held, two fields (x, plane), the present first; course (dt, b of each stage, scale of D); f (steps, forcings).

    After an odd number of steps the field is in the second.
    """
    slab = slab_of(rate, values)

    @njit(parallel=parallel, nogil=True)
    @no_type_check
    def march(held, faces, of, slabs, course, p, f, rooms):
        one, other = held
        for n in range(len(f)):
            for t in prange(len(slabs) - 1):
                slab(one, other, faces, of, slabs[t : t + 2], course, p, f[n], rooms[t])
            one, other = other, one

    return march


_march_numbers = march_of(standard_rate, numbers)
_march_maps = march_of(standard_rate, maps)
_alone_numbers = march_of(standard_rate, numbers, parallel=False)
_alone_maps = march_of(standard_rate, maps, parallel=False)


@njit(cache=True)
@no_type_check
def march_numbers(held, faces, of, slabs, course, p, f, rooms):
    """Of a standard reaction, with parameters that are numbers; kept compiled on disk, which that of one handed in cannot be."""
    _march_numbers(held, faces, of, slabs, course, p, f, rooms)


@njit(cache=True)
@no_type_check
def march_maps(held, faces, of, slabs, course, p, f, rooms):
    """Of a standard reaction, with maps."""
    _march_maps(held, faces, of, slabs, course, p, f, rooms)


@njit(cache=True, nogil=True)
@no_type_check
def alone_numbers(held, faces, of, slabs, course, p, f, rooms):
    """On one thread, for many runs side by side."""
    _alone_numbers(held, faces, of, slabs, course, p, f, rooms)


@njit(cache=True, nogil=True)
@no_type_check
def alone_maps(held, faces, of, slabs, course, p, f, rooms):
    """On one thread, with maps."""
    _alone_maps(held, faces, of, slabs, course, p, f, rooms)
