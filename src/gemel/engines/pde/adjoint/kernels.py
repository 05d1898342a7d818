"""A step's stages kept, and the way back through them: the transposed derivative of every stage of `march`.

Diffusion is symmetric, so the way back diffuses with the same conductances, and the derivative by a scale of D is Σ v · ∇·D∇μ: it costs
no further field. A stage v' = u + b (v − u + dt (s L v + r(v))) gives μ_v = b (μ + dt (s L μ + r'(v) μ)) and adds (1 − b) μ to μ_u.
"""

from functools import cache
from typing import Any, no_type_check

import numpy as np
from numba import njit, prange

from gemel.engines.pde.march import maps, numbers, plane_of
from gemel.engines.pde.reaction import standard_rate, standard_slope


@njit(cache=True)
@no_type_check
def no_rows(found, x):
    """Derivatives by numbers have no maps."""
    return found


@njit(cache=True, fastmath={"reassoc", "contract"})
@no_type_check
def summed(sums, rows, i, by, weight):
    """Derivatives by numbers: added up along the plane."""
    return sums[0] + by[0] * weight, sums[1] + by[1] * weight


@njit(cache=True)
@no_type_check
def two_rows(found, x):
    """Those of the maps of a standard reaction in plane x."""
    return found[0, x], found[1, x]


@njit(cache=True)
@no_type_check
def spread(sums, rows, i, by, weight):
    """Derivatives by maps: each voxel its own."""
    rows[0][i] += by[0] * weight
    rows[1][i] += by[1] * weight
    return sums


@cache
def spread_of(count: int) -> tuple[Any, Any]:
    """`two_rows` and `spread` of a reaction handed in."""
    if count == 1:
        return njit(lambda found, x: (found[0, x],)), njit(_first)
    (rows_before, before), last = spread_of(count - 1), count - 1

    @njit
    @no_type_check
    def gather(sums, rows, i, by, weight):
        rows[last][i] += by[last] * weight
        return before(sums, rows, i, by, weight)

    return njit(lambda found, x: rows_before(found, x) + (found[last, x],)), gather  # noqa: RUF005 (numba)


@no_type_check
def _first(sums, rows, i, by, weight):
    rows[0][i] += by[0] * weight
    return sums


@cache
def keep_of(rate: Any, values: Any) -> Any:
    """One step, its stages kept: stages[0] is given, the rest and `after` are filled, as in `march.slab_of` one plane behind the other.

    Neighbouring slabs both write the few planes between them, the same numbers.
    """
    plane = plane_of(rate, values)

    @njit
    @no_type_check
    def slab(stages, after, faces, of, ends, course, p, f):
        wx, wy, wz = faces
        table, first, stride = of
        dt, b, scale = course
        last = len(b) - 1
        for front in range(ends[0] - last, ends[1] + 2 * last):
            for s in range(last + 1):
                x, more = front - s, last - s
                if x < max(ends[0] - more, 1) or x >= min(ends[1] + more, len(after) - 1):
                    continue
                v = (stages[s, x - 1], stages[s, x], stages[s, x + 1])
                out = after[x] if s == last else stages[s + 1, x]
                where = (table[first[x] : first[x + 1]], np.uint64(x), stride)
                plane(v, stages[0, x], out, (wx[x], wx[x + 1], wy[x], wz[x]), where, (b[s], dt, scale), p, f)

    @njit(parallel=True)
    @no_type_check
    def keep(stages, after, faces, of, slabs, course, p, f):
        for t in prange(len(slabs) - 1):
            slab(stages, after, faces, of, slabs[t : t + 2], course, p, f)

    return keep


def _back_plane_of(slope: Any, values: Any, gathering: tuple[Any, Any]) -> Any:
    """The way back through one stage on one plane; gives Σ v L μ and the sums of `gathering`, times b dt."""
    rows_of, gather = gathering

    @njit(fastmath={"reassoc", "contract"})
    @no_type_check
    def plane(mu, v, out, faces, of, factors, p, f, found):
        before, here, after = mu
        x0, x1, y, z = faces
        table, x, stride = of
        b, dt, scale = factors
        up, one, weight = np.uint64(stride), np.uint64(1), b * dt
        rows = rows_of(found, x)
        by_scale, sums = weight - weight, (weight - weight, weight - weight)
        for r in range(len(table)):
            for i in range(np.uint64(table[r, 0]), np.uint64(table[r, 1])):
                c = here[i]
                flow = x0[i] * (before[i] - c) + x1[i] * (after[i] - c) + y[i] * (here[i - up] - c) + y[i + up] * (here[i + up] - c)
                flow += z[i] * (here[i - one] - c) + z[i + one] * (here[i + one] - c)
                by_u, by = slope(v[i], values(p, x, i), f)
                out[i] = b * c + weight * (scale * flow + by_u * c)
                by_scale += v[i] * flow
                sums = gather(sums, rows, i, by, weight * c)
        return by_scale * weight, sums[0], sums[1]

    return plane


@njit
@no_type_check
def _add(to, of, b):
    """(1 − b) of what came to a later stage belongs to where the step began."""
    for i in range(to.size):
        to[i] += of[i] - b * of[i]


@cache
def back_of(slope: Any, values: Any, gathering: tuple[Any, Any]) -> Any:
    """The way back through one step: mu (stages + 1, x, plane), the given one in mu[0], what is found in mu[stages].

    found: maps of derivatives by parameters; sums (stages, x, 3): those by the scale of D and by numbers.
    """
    plane = _back_plane_of(slope, values, gathering)

    @njit(parallel=True)
    @no_type_check
    def back(mu, stages, faces, of, course, p, f, found, sums):
        wx, wy, wz = faces
        table, first, stride = of
        dt, b, scale = course
        count = len(b)
        for n in range(count):
            s = count - 1 - n
            given, target = mu[n], mu[n + 1]
            for x in prange(1, len(given) - 1):
                here = (given[x - 1], given[x], given[x + 1])
                where = (table[first[x] : first[x + 1]], np.uint64(x), stride)
                factors = (b[s], dt, scale)
                sums[s, x] = plane(here, stages[s, x], target[x], (wx[x], wx[x + 1], wy[x], wz[x]), where, factors, p, f, found)
                if s == 0:
                    for m in range(n):
                        _add(target[x], mu[m, x], b[count - 1 - m])

    return back


@njit(parallel=True, cache=True)
@no_type_check
def by_faces(mu, v, found, of, weight):
    """Derivatives by conductances: (μᵢ − μⱼ)(vⱼ − vᵢ) of each face, times `weight`, added."""
    gx, gy, gz = found
    table, first, stride = of
    for x in prange(1, len(mu) - 1):
        up, one = np.uint64(stride), np.uint64(1)
        lower, here, below, value, ax, ay, az = mu[x - 1], mu[x], v[x - 1], v[x], gx[x], gy[x], gz[x]
        for r in range(first[x], first[x + 1]):
            for i in range(np.uint64(table[r, 0]), np.uint64(table[r, 1])):
                m, c = weight * here[i], value[i]
                ax[i] += (m - weight * lower[i]) * (below[i] - c)
                ay[i] += (m - weight * here[i - up]) * (value[i - up] - c)
                az[i] += (m - weight * here[i - one]) * (value[i - one] - c)


_keep_numbers, _keep_maps = keep_of(standard_rate, numbers), keep_of(standard_rate, maps)
_back_numbers = back_of(standard_slope, numbers, (no_rows, summed))
_back_maps = back_of(standard_slope, maps, (two_rows, spread))


@njit(cache=True)
@no_type_check
def keep_numbers(stages, after, faces, of, slabs, course, p, f):
    """Of a standard reaction with numbers, kept compiled on disk, as the three below."""
    _keep_numbers(stages, after, faces, of, slabs, course, p, f)


@njit(cache=True)
@no_type_check
def keep_maps(stages, after, faces, of, slabs, course, p, f):
    """Of a standard reaction with maps."""
    _keep_maps(stages, after, faces, of, slabs, course, p, f)


@njit(cache=True)
@no_type_check
def back_numbers(mu, stages, faces, of, course, p, f, found, sums):
    """Of a standard reaction with numbers."""
    _back_numbers(mu, stages, faces, of, course, p, f, found, sums)


@njit(cache=True)
@no_type_check
def back_maps(mu, stages, faces, of, course, p, f, found, sums):
    """Of a standard reaction with maps."""
    _back_maps(mu, stages, faces, of, course, p, f, found, sums)
