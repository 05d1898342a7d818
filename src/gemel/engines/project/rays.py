"""Rays of a geometry as arrays for compiled loops, and the checks that they meet the grid."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError
from gemel.core.image import Array
from gemel.engines.project.geometry import Cone, Geometry, Parallel, fan_rad, u_mm, v_mm
from gemel.engines.project.grid import Grid

FAR_mm = 1e6
"""Where parallel rays start."""


@dataclass(frozen=True)
class Rays:
    """In-plane rays: a point of each, its unit direction, and the in-plane distance from that point to the detector."""

    start_mm: Float[Array, "views u 2"]
    direction: Float[Array, "views u 2"]
    reach_mm: Float[Array, "u"]


def rays(geometry: Geometry) -> Rays:
    """The rays' projections onto the plane of rotation; parallel ones start FAR_mm away, others at the source."""
    outward, across = axes(geometry.angles_rad)
    if isinstance(geometry, Parallel):
        start = u_mm(geometry)[None, :, None] * across[:, None, :] + FAR_mm * outward[:, None, :]
        return Rays(start, np.broadcast_to(-outward[:, None, :], start.shape).copy(), np.ones(geometry.n_u))
    gamma = fan_rad(geometry)
    direction = np.sin(gamma)[None, :, None] * across[:, None, :] - np.cos(gamma)[None, :, None] * outward[:, None, :]
    start = np.broadcast_to(geometry.source_isocentre_mm * outward[:, None, :], direction.shape).copy()
    reach = np.full(geometry.n_u, geometry.source_detector_mm) / (1.0 if geometry.curved else np.cos(gamma))
    return Rays(start, direction, reach)


def axes(angles_rad: Float[Array, "views"]) -> tuple[Float[Array, "views 2"], Float[Array, "views 2"]]:
    """Unit vectors from the isocentre to the source and along u."""
    cosine, sine = np.cos(angles_rad), np.sin(angles_rad)
    return np.stack([cosine, sine], axis=1), np.stack([-sine, cosine], axis=1)


def require_meeting(geometry: Geometry, grid: Grid) -> None:
    """Raises GeometryError when the source runs through the box or no ray of any view meets it."""
    if not isinstance(geometry, Parallel):
        _require_outside(geometry.angles_rad, geometry.source_isocentre_mm, grid)
    outward, across = axes(geometry.angles_rad)
    corners = grid.corners_mm
    t, depth = corners[:, :2] @ across.T, corners[:, :2] @ outward.T
    if isinstance(geometry, Parallel):
        u = t
    else:
        distance = np.maximum(geometry.source_isocentre_mm - depth, 1e-6)
        u = geometry.source_detector_mm * (np.arctan(t / distance) if geometry.curved else t / distance)
    half, place = 0.5 * geometry.pitch_u_mm, u_mm(geometry)
    seen = (u.max(axis=0) > place[0] - half) & (u.min(axis=0) < place[-1] + half)
    if isinstance(geometry, Cone):
        z_mm = np.zeros(geometry.angles_rad.size) if geometry.z_mm is None else geometry.z_mm
        v = (corners[:, 2:] - z_mm) * geometry.source_detector_mm / distance
        half, place = 0.5 * geometry.pitch_v_mm, v_mm(geometry)
        seen &= (v.max(axis=0) > place[0] - half) & (v.min(axis=0) < place[-1] + half)
    if not seen.any():
        found = f"a detector that sees nothing of the box centred at {grid.centre_mm} mm"
        raise GeometryError(found, where="geometry", remedy="check offsets, and that the grid is placed from the isocentre")


def _require_outside(angles_rad: Float[Array, "views"], source_isocentre_mm: float, grid: Grid) -> None:
    """Raises GeometryError when the circle of the source cuts the box in the plane of rotation."""
    source = source_isocentre_mm * axes(angles_rad)[0]
    apart = np.abs(source - np.asarray(grid.centre_mm[:2])) - 0.5 * np.asarray(grid.shape[:2]) * np.asarray(grid.spacing_mm[:2])
    if (apart <= 0).all(axis=1).any():
        found = f"a source {source_isocentre_mm:g} mm from the axis, inside a box that reaches {grid.radius_mm:.0f} mm"
        raise GeometryError(found, where="geometry", remedy="crop the image or check the distance in mm")
