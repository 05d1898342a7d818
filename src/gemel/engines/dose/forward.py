"""Dose of weighted spots without their matrix: each voxel gathers from the layers that reach it."""

from collections.abc import Sequence
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Float32, Shaped
from numba import njit, prange

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array, Image
from gemel.engines.dose.beam_data import BeamData
from gemel.engines.dose.kernels import coefficients, column_extremes, column_reach2
from gemel.engines.dose.layers import Layers, layers_of
from gemel.engines.dose.range_shifter import ShiftedBeam
from gemel.engines.dose.traced import Traced, View, trace


def dose(
    rsp: Image,
    spots: Shaped[Array, "..."],
    weights: Float[Array, "n"],
    machine: BeamData | ShiftedBeam,
    isocentre_mm: Shaped[Array, "3"] | Sequence[float | int],
    *,
    voxels: Bool[Array, "x y z"] | None = None,
) -> Float32[Array, "x y z"]:
    """Dose in Gy of `weights` (1e6 protons) on the spots: `influence(...) @ weights` to rounding, and nothing of its size is held.

    The lateral cut-off is the usual one of `influence`; `dose_of` takes another with its Traced. Zero outside `voxels` when they are
    given. Raises what `influence` raises; spots without weight may lie anywhere.
    """
    return dose_of(trace(rsp, spots, machine, isocentre_mm), weights, voxels=voxels)


def dose_of(traced: Traced, weights: Float[Array, "n"], *, voxels: Bool[Array, "x y z"] | None = None) -> Float32[Array, "x y z"]:
    """Dose of spots already traced. Raises InputError for weights that do not fit, RangeError for spots with weight beside the grid."""
    given = np.asarray(weights, dtype=np.float32)
    if given.shape != (len(traced.plan),) or not np.isfinite(given).all() or (given < 0).any():
        found = f"weights of shape {given.shape} for {len(traced.plan)} spots, or negative or not finite ones"
        raise InputError(found, where="dose", remedy="one finite weight a spot, 0 or more")
    shape = traced.rsp.shape
    wanted = np.ones(shape, dtype=np.bool_) if voxels is None else np.ascontiguousarray(voxels)
    if wanted.shape != shape:
        raise InputError(f"voxels of shape {wanted.shape} on a grid of {shape}", where="dose", remedy="use the grid of rsp")
    _require_on_grid(traced, given != 0)
    out = np.zeros(shape, dtype=np.float32)
    for view in traced.views:
        used = view.spots[given[view.spots] != 0]
        if len(used):
            _add(traced, view, layers_of(traced.plan[used, 1:3], traced.rows[used], given[used]), wanted, out)
    if voxels is None and given.any() and not out.any():
        raise RangeError("no dose on the grid", where="dose", remedy="check isocentre, gantry angles and spot positions against the image")
    return out


def _require_on_grid(traced: Traced, used: Bool[Array, "n"]) -> None:
    """Raises RangeError for spots further beside the grid than their dose reaches."""
    first, spacing, count = traced.grid.T
    ends = np.stack([first, first + spacing * (count - 1)])
    reach_mm = np.sqrt(traced.lookup.cut_mm2[traced.rows, -1])
    missed = 0
    for view in traced.views:
        sine, cosine = view.axes
        u = np.add.outer(cosine * ends[:, 0], sine * ends[:, 1])
        low, high = np.array([u.min(), ends[0, 2]]), np.array([u.max(), ends[1, 2]])
        places = traced.plan[view.spots, 1:3]
        beside = np.maximum(np.maximum(low - places, places - high), 0)
        missed += int(np.count_nonzero(used[view.spots] & (np.hypot(*beside.T) > reach_mm[view.spots])))
    if missed:
        remedy = "check isocentre, gantry angles and spot positions against the image, or enlarge the grid"
        raise RangeError(f"{missed} of {len(used)} spots give no dose on the grid", where="dose", remedy=remedy)


def _add(traced: Traced, view: View, layers: Layers, wanted: Bool[Array, "x y z"], out: Float32[Array, "x y z"]) -> None:
    """Adds the dose of one view's layers to `out`."""
    extremes = column_extremes(view.depth_mm, wanted)
    starts = (layers.rows, layers.x_first, layers.z_first, layers.w_first)
    places = (layers.x_mm, layers.z_mm, layers.weights)
    _gather(view.depth_mm, extremes, wanted, traced.grid, view.axes, starts, places, traced.tables, out)


@njit(parallel=True, cache=True)
@no_type_check
def _gather(depth, extremes, wanted, grid, beam, starts, places, tables, out):
    """Each z column gathers from the layers whose cut radius it is within; a column is one thread's, so the sums keep their order."""
    nx, ny, _ = depth.shape
    rows, x_first = starts[0], starts[1]
    widest = np.max(x_first[1:] - x_first[:-1])
    for i in prange(nx):
        across2 = np.empty(widest, dtype=np.float32)
        factors = np.empty((2, widest), dtype=np.float32)
        for j in range(ny):
            if extremes[i, j, 0] > extremes[i, j, 1]:
                continue
            u = beam[1] * (grid[0, 0] + grid[0, 1] * i) + beam[0] * (grid[1, 0] + grid[1, 1] * j)
            for layer in range(len(rows)):
                e = rows[layer]
                cut2 = column_reach2(extremes[i, j, 0], extremes[i, j, 1], tables[0][e], tables[1][e], tables[3][e])
                a, b = _within(places[0], x_first[layer], x_first[layer + 1], u, cut2, across2)
                if a < b:
                    seen = (depth[i, j], wanted[i, j], out[i, j])
                    _gather_column(seen, grid, layer, a, b, starts, places, tables, across2, factors)


@njit(cache=True)
@no_type_check
def _within(x, first, end, u, cut2, across2):
    """Positions [a, b) of a layer no further than the cut from u, and the squares of their distances."""
    a, b = end, first
    for m in range(first, end):
        distance = u - x[m]
        square = np.float32(distance * distance)
        if square <= cut2:
            if a == end:
                a = m
            across2[m - a] = square
            b = m + 1
    return a, b


@njit(cache=True)
@no_type_check
def _gather_column(seen, grid, layer, a, b, starts, places, tables, across2, factors):
    """One layer's dose along a z column: exp(k r²) is a product of a factor in x and one in z."""
    depth, wanted, out = seen
    e, x0, x1 = starts[0][layer], starts[1][layer], starts[1][layer + 1]
    z0, z1, w0 = starts[2][layer], starts[2][layer + 1], starts[3][layer]
    z, weights = places[1], places[2]
    step, end, table, cuts = tables[0][e], tables[1][e], tables[2][e], tables[3][e]
    n = b - a
    for k in range(len(depth)):
        d = depth[k]
        if d > end or not wanted[k]:
            continue
        node = int(d * step)
        cut2 = cuts[node]
        a1, k1, a2, k2 = coefficients(table, node, d * step - np.float32(node))
        for m in range(n):
            factors[0, m] = np.exp(k1 * across2[m])
            factors[1, m] = np.exp(k2 * across2[m])
        total = np.float32(0.0)
        at = grid[2, 0] + grid[2, 1] * k
        for line in range(z0, z1):
            dz = np.float32(at - z[line])
            dz2 = dz * dz
            if dz2 > cut2:
                continue
            core, halo = np.float32(0.0), np.float32(0.0)
            first = w0 + (line - z0) * (x1 - x0) + a - x0
            for m in range(n):
                weight = weights[first + m] if across2[m] + dz2 <= cut2 else np.float32(0.0)
                core += weight * factors[0, m]
                halo += weight * factors[1, m]
            total += a1 * np.exp(k1 * dz2) * core + a2 * np.exp(k2 * dz2) * halo
        out[k] += total
