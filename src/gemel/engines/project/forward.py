"""Line integrals of an image or of several materials at once."""

import numpy as np
from jaxtyping import Float, Float32, Float64

from gemel.core.errors import GeometryError, InputError
from gemel.core.image import Array
from gemel.engines.project.geometry import Cone, Geometry, source_z_mm, v_mm
from gemel.engines.project.grid import Grid
from gemel.engines.project.joseph import cone_kernel, stack_kernel
from gemel.engines.project.rays import rays, require_meeting

Values = Float[Array, "x y z"] | Float[Array, "m x y z"]
Lines = Float32[Array, "views v u"] | Float32[Array, "views v u m"]


def forward(values: Values, geometry: Geometry, *, grid: Grid) -> Lines:
    """∫ values dl along each ray, in mm times the unit of the values (1/mm: no unit); (views, v, u), materials (m, x, y, z) last.

    Joseph 1982, IEEE Trans Med Imaging 1:192, linear between voxels and zero outside; one walk for all materials. Parallel and fan beams
    have one row a slice of the grid. Raises GeometryError for an array of another shape, a source inside the grid, a detector that misses
    it; InputError for values that are not finite.
    """
    held = as_float32(values, "values")
    stacked = held[None] if held.ndim == 3 else held
    require_values(stacked, grid)
    require_meeting(geometry, grid)
    integrals = _cone(stacked, geometry, grid) if isinstance(geometry, Cone) else _stack(stacked, geometry, grid)
    return np.ascontiguousarray(integrals[..., 0] if held.ndim == 3 else integrals)


def as_float32(values: object, name: str) -> Float32[Array, "..."]:
    """The values as the compiled loops hold them, whoever owns them. Raises InputError for what is no array of real numbers."""
    held = np.asarray(values) if isinstance(values, (np.ndarray, list, tuple)) else None
    if held is None or held.dtype.kind not in "biuf":
        raise InputError(f"{name} of {type(values).__name__}", where=name, remedy="pass an array of real numbers")
    with np.errstate(over="ignore"):  # beyond float32 is refused as not finite
        return held.astype(np.float32, copy=False)


def read_only(values: Float32[Array, "..."]) -> Float32[Array, "..."]:
    """A view that cannot be written: one compiled loop then serves frozen and writable arrays."""
    view = values.view()
    view.flags.writeable = False
    return view


def place_of(grid: Grid) -> Float64[Array, "3 3"]:
    """Numbers of voxels, first centre and spacing along x, y, z, as compiled loops take them."""
    return np.array([grid.shape, grid.first_mm, grid.spacing_mm], dtype=np.float64)


def require_values(stacked: Float[Array, "m x y z"], grid: Grid) -> None:
    """Raises unless the materials lie on the grid and are finite."""
    if stacked.ndim != 4 or stacked.shape[1:] != grid.shape or not len(stacked):
        raise GeometryError(
            f"values of {stacked.shape[1:]} for a grid of {grid.shape}", where="forward", remedy="pass (x, y, z) or (m, x, y, z)"
        )
    if not np.isfinite(stacked).all():
        raise InputError("values that are not finite", where="forward", remedy="fill the gaps of the image first")


def _stack(stacked: Float[Array, "m x y z"], geometry: Geometry, grid: Grid) -> Float32[Array, "views z u m"]:
    """Rays in planes of constant z."""
    materials, nx, ny, nz = stacked.shape
    columns = read_only(np.ascontiguousarray(np.moveaxis(stacked, 0, -1).reshape(nx * ny, nz * materials)))
    path = rays(geometry)
    out = np.zeros((geometry.angles_rad.size, geometry.n_u, nz * materials), dtype=np.float32)
    stack_kernel(columns, columns.any(axis=1), path.start_mm, path.direction, place_of(grid), out)
    return np.moveaxis(out.reshape(*out.shape[:2], nz, materials), 1, 2)


def _cone(stacked: Float[Array, "m x y z"], geometry: Cone, grid: Grid) -> Float32[Array, "views v u m"]:
    """Rays to a panel."""
    materials, nx, ny, nz = stacked.shape
    columns = read_only(np.ascontiguousarray(stacked.reshape(materials, nx * ny, nz)))
    path = rays(geometry)
    panel = (source_z_mm(geometry), float(v_mm(geometry)[0]), float(geometry.pitch_v_mm))
    out = np.zeros((geometry.angles_rad.size, geometry.n_u, materials, geometry.n_v), dtype=np.float32)
    cone_kernel(columns, columns.any(axis=(0, 2)), (path.start_mm, path.direction, path.reach_mm), place_of(grid), panel, out)
    return out.transpose(0, 3, 1, 2)
