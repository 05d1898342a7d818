"""Water-equivalent depth along parallel beams that run in the x-y plane."""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float32
from numba import njit, prange

from gemel.core.errors import GeometryError, RangeError, StructureError
from gemel.core.image import Array, Image, is_axis_aligned


def beam_axes(gantry_deg: float | int) -> tuple[float, float]:
    """(sin g, cos g): the beam runs along (−sin g, cos g, 0) and its x axis along (cos g, sin g, 0) in LPS. Right angles are exact."""
    turned = np.deg2rad(gantry_deg)
    sine, cosine = (0.0 if abs(v) < 1e-12 else float(v) for v in (np.sin(turned), np.cos(turned)))
    return sine, cosine


def water_equivalent_depth(rsp: Image, gantry_deg: float | int) -> Float32[Array, "x y z"]:
    """Depth ∫ RSP ds in mm from where the beam enters the grid to each voxel's centre, exact in every slice (float32).

    Siddon 1985, Med Phys 12:252, in two dimensions: parallel rays have no z component, so one ray serves a whole column in z.
    Raises GeometryError for an oblique image, RangeError for RSP that is negative or not finite.
    """
    require_rsp(rsp)
    return path_length(rsp, rsp.array, gantry_deg)


def require_rsp(rsp: Image) -> None:
    """Raises unless the image is axis-aligned and its values are finite and not negative."""
    if not is_axis_aligned(rsp):
        raise GeometryError("an image whose axes are not along x, y, z", where="rsp", remedy="resample it onto an axis-aligned LPS grid")
    least, most = float(rsp.array.min()), float(rsp.array.max())
    if not np.isfinite([least, most]).all():
        raise RangeError("stopping powers that are not finite", where="rsp", remedy="fill the gaps of the CT before hu_to_rsp")
    if least < 0:
        raise RangeError(f"a stopping power of {least:g}", where="rsp", remedy="RSP is 0 or more; was HU passed instead?")


def path_length(grid: Image, values: Array, gantry_deg: float | int) -> Float32[Array, "x y z"]:
    """∫ values ds in mm from the edge of the grid to each voxel's centre."""
    sine, cosine = beam_axes(gantry_deg)
    dx, dy, _ = grid.spacing_mm
    out = np.zeros(grid.array.shape, dtype=np.float32)
    _walk(np.ascontiguousarray(values, dtype=np.float32), float(dx), float(dy), sine, -cosine, out)
    return out


def fraction_through(image: Image, threshold: float | int, target_mask: Bool[Array, "..."], gantry_deg: float | int) -> float:
    """Share of the target's voxels whose ray has crossed, upstream and outside the target, something above `threshold`.

    `image` may be HU or RSP. Raises StructureError for an empty target.
    """
    target_mask = np.asarray(target_mask, dtype=np.bool_)
    if target_mask.shape != image.array.shape or not target_mask.any():
        raise StructureError("an empty target or one on another grid", where="fraction_through", remedy="rasterise it on the image's grid")
    crossed = path_length(image, (image.array > threshold) & ~target_mask, gantry_deg)[target_mask]
    return float(np.mean(crossed > 1e-3))


@njit(parallel=True, cache=True)
@no_type_check
def _walk(values, dx, dy, ux, uy, out):
    """From each column's centre back towards the source along (ux, uy), cell by cell."""
    nx, ny, nz = values.shape
    step_x = dx / abs(ux) if ux != 0.0 else np.inf
    step_y = dy / abs(uy) if uy != 0.0 else np.inf
    to_x = 1 if ux > 0 else -1
    to_y = 1 if uy > 0 else -1
    for i in prange(nx):
        for j in range(ny):
            a, b = np.int64(i), np.int64(j)
            t = 0.0
            next_x, next_y = 0.5 * step_x, 0.5 * step_y
            while 0 <= a < nx and 0 <= b < ny:
                leave = min(next_x, next_y)
                length = np.float32(leave - t)
                for k in range(nz):
                    out[i, j, k] += length * values[a, b, k]
                t = leave
                if next_x <= next_y:
                    next_x += step_x
                    a += to_x
                else:
                    next_y += step_y
                    b += to_y
