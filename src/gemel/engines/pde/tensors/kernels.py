"""Explicit steps of one species along links of any direction: one pass a stage, one loop over voxels a direction."""

from functools import cache
from typing import Any, no_type_check

import numpy as np
from numba import njit, prange

from gemel.engines.pde.march import maps, numbers
from gemel.engines.pde.reaction import standard_rate


@njit
@no_type_check
def _flow(v, out, links, table, start):
    """∇·D∇v of one plane, which begins at `start` of the flat grid."""
    weights, offsets, used = links
    for r in range(len(table)):
        out[table[r, 0] : table[r, 1]] = 0
    for k in range(len(offsets)):
        if used[k]:
            w, step, first = weights[k], np.uint64(offsets[k]), np.uint64(start)
            for r in range(len(table)):
                for i in range(np.uint64(table[r, 0]), np.uint64(table[r, 1])):
                    j = first + i
                    c = v[j]
                    out[i] += w[j] * (v[j + step] - c) + w[j - step] * (v[j - step] - c)


@cache
def march_of(rate: Any, values: Any) -> Any:
    """Steps of one length: held (3, voxels), the field first; of: spans, voxels of a plane, margin; course (dt, b of each stage)."""

    @njit(parallel=True)
    @no_type_check
    def march(held, links, of, course, p, f):
        weights, offsets, used = links
        table, first, plane, margin = of
        dt, b = course
        last = len(b) - 1
        for n in range(len(f)):
            for s in range(last + 1):
                source, target = held[s], held[(s + 1) % (last + 1) if last > 0 else 1]
                for x in prange(1, len(first) - 2):
                    rows, start = table[first[x] : first[x + 1]], margin + x * plane
                    flow = np.empty(plane, dtype=held.dtype)
                    _flow(source, flow, (weights, offsets, used[:, x]), rows, start)
                    for r in range(len(rows)):
                        for i in range(np.uint64(rows[r, 0]), np.uint64(rows[r, 1])):
                            j = np.uint64(start) + i
                            c, base = source[j], held[0, j]
                            target[j] = base + b[s] * ((c - base) + dt * (flow[i] + rate(c, values(p, np.uint64(x), i), f[n])))
            if last == 0:
                held[0] = held[1]

    return march


_march_numbers, _march_maps = march_of(standard_rate, numbers), march_of(standard_rate, maps)


@njit(cache=True)
@no_type_check
def march_numbers(held, links, of, course, p, f):
    """Of a standard reaction with numbers, kept compiled on disk."""
    _march_numbers(held, links, of, course, p, f)


@njit(cache=True)
@no_type_check
def march_maps(held, links, of, course, p, f):
    """Of a standard reaction with maps."""
    _march_maps(held, links, of, course, p, f)
