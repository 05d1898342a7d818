"""The transpose of `forward`: what each ray holds is spread over the voxels that it read, with the same weights."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32
from numba import njit, prange

from gemel.core.errors import GeometryError, InputError
from gemel.core.image import Array
from gemel.engines.project.forward import place_of
from gemel.engines.project.geometry import Cone, Geometry, source_z_mm, v_mm
from gemel.engines.project.grid import Grid
from gemel.engines.project.joseph import pair_at, path_of
from gemel.engines.project.rays import rays, require_meeting

_F = np.float32
SLAB = 16
"""Slices that one piece of work spreads over: no two pieces write to one voxel, so that sums do not depend on the number of threads."""


def transposed(lines: Float[Array, "views v u"], geometry: Geometry, *, grid: Grid) -> Float32[Array, "x y z"]:
    """Aᵀy for forward = A: ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ to rounding. For iterative reconstruction of one material.

    Raises GeometryError for lines of another shape or rays that miss the grid, InputError for values that are not finite.
    """
    rows = geometry.n_v if isinstance(geometry, Cone) else grid.shape[2]
    shape = (geometry.angles_rad.size, rows, geometry.n_u)
    if lines.shape != shape:
        raise GeometryError(f"lines of {lines.shape} for a geometry of {shape}", where="transposed", remedy="pass (views, v, u)")
    if not np.isfinite(lines).all():
        raise InputError("lines that are not finite", where="transposed", remedy="replace them first")
    require_meeting(geometry, grid)
    path = rays(geometry)
    held = np.ascontiguousarray(np.swapaxes(lines, 1, 2), dtype=np.float32)
    out = np.zeros((grid.shape[0] * grid.shape[1], grid.shape[2]), dtype=np.float32)
    if isinstance(geometry, Cone):
        panel = (source_z_mm(geometry), float(v_mm(geometry)[0]), float(geometry.pitch_v_mm))
        _cone(held, (path.start_mm, path.direction, path.reach_mm), place_of(grid), panel, out)
    else:
        _stack(held, path.start_mm, path.direction, place_of(grid), out)
    return out.reshape(grid.shape)


@njit(parallel=True, cache=True)
@no_type_check
def _stack(lines, start, direction, place, out):
    """Rays in planes of constant z: lines (views, u, z), out (column, z)."""
    nz = out.shape[1]
    for slab in prange((nz + SLAB - 1) // SLAB):
        first, last = slab * SLAB, min(nz, (slab + 1) * SLAB)
        for view in range(lines.shape[0]):
            for u in range(lines.shape[1]):
                s_main, s_cross, _, _, c0, dc, low, high, n_cross, length = path_of(start[view, u], direction[view, u], place)
                for i in range(low, high):
                    ja, jb, w0, w1 = pair_at(c0 + i * dc, n_cross)
                    a, b = i * s_main + ja * s_cross, i * s_main + jb * s_cross
                    for k in range(first, last):
                        y = _F(length) * lines[view, u, k]
                        out[a, k] += w0 * y
                        out[b, k] += w1 * y


@njit(parallel=True, cache=True)
@no_type_check
def _cone(lines, rays, place, panel, out):
    """Rays to a panel: lines (views, u, v), out (column, z). `column` holds the nodes first − 1 … last of the slab."""
    start, direction, reach = rays
    source_z, v0, pitch_v = panel
    nz, nv = out.shape[1], lines.shape[2]
    for slab in prange((nz + SLAB - 1) // SLAB):
        first, last = slab * SLAB, min(nz, (slab + 1) * SLAB)
        column = np.zeros(SLAB + 3, dtype=np.float32)
        for view in range(lines.shape[0]):
            for u in range(lines.shape[1]):
                s_main, s_cross, s0, ds, c0, dc, low, high, n_cross, length = path_of(start[view, u], direction[view, u], place)
                for i in range(low, high):
                    slope = (s0 + i * ds) / (reach[u] * place[2, 2])
                    zero = 1.0 + (source_z[view] - place[1, 2]) / place[2, 2] + slope * v0 - first
                    rise = slope * pitch_v
                    r0 = max(0, int(np.ceil(-zero / rise)))
                    r1 = min(nv, int(np.ceil((last - first + 1 - zero) / rise)))
                    if r0 >= r1:
                        continue
                    column[:] = _F(0)
                    for r in range(r0, r1):
                        slant = (v0 + r * pitch_v) / reach[u]
                        y = _F(length * np.sqrt(1.0 + slant * slant)) * lines[view, u, r]
                        p = _F(zero) + _F(rise) * _F(r)
                        k = int(p)
                        column[k] += (_F(k + 1) - p) * y
                        column[k + 1] += (p - _F(k)) * y
                    ja, jb, w0, w1 = pair_at(c0 + i * dc, n_cross)
                    a, b = i * s_main + ja * s_cross, i * s_main + jb * s_cross
                    for k in range(first, last):
                        out[a, k] += w0 * column[k - first + 1]
                        out[b, k] += w1 * column[k - first + 1]
