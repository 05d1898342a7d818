"""Images from line integrals: filtered back-projection of parallel, fan and cone beams, full or short scans, half fans, helices."""

import numpy as np
from jaxtyping import Bool, Float, Float32

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.engines.project.backprojection import CURVED, FLAT, PARALLEL, cone_kernel, stack_kernel
from gemel.engines.project.forward import as_float32, place_of
from gemel.engines.project.geometry import Cone, Fan, Geometry, Parallel, fan_rad, source_z_mm, u_mm, v_mm
from gemel.engines.project.grid import Grid
from gemel.engines.project.helical import shares
from gemel.engines.project.ramp import RAM_LAK, Ramp, filtered
from gemel.engines.project.rays import axes, require_meeting
from gemel.engines.project.weights import beyond, parallel_steps, ray_weights


def fdk(
    projections: Float[Array, "views v u"],
    geometry: Cone,
    *,
    grid: Grid,
    ramp: Ramp = RAM_LAK,
    taper_mm: float | int = 0.0,
    views: Bool[Array, "_"] | None = None,
) -> Float32[Array, "x y z"]:
    """Image from cone-beam line integrals; the unit of the line integrals over mm. Feldkamp, Davis & Kress 1984, J Opt Soc Am A 1:612.

    Exact in the plane of the source's circle; elsewhere values fall with the cone angle. A short scan is weighted after Parker, a displaced
    panel after Wang (`weights`), a helix by one turn a slice (`helical`). Heights that the panel does not see get no contribution.
    `taper_mm`: where the body reaches past the detector, its rim fades out over so much of the detector's plane before the filter, as a
    squared cosine, instead of breaking off; about 1.3 times as far as
    the body reaches past is best. Ohnesorge et al. 2000, Med Phys 27:39 (without its reflection).
    `views`: those that are back-projected, each with the weight that it has in the whole turn: images of parts of the views add up to that
    of all, and cost as much together.
    Raises GeometryError for projections of another shape or a panel that misses the grid, InputError for values that are not finite,
    RangeError for too short an arc.
    """
    held = _held(projections, (geometry.angles_rad.size, geometry.n_v, geometry.n_u))
    require_meeting(geometry, grid)
    seen = _views(views, geometry)
    weights = view_weights(geometry, grid.radius_mm)[seen], axial_cosine(geometry)
    q = _filtered_rays(held[seen], weights, geometry, ramp, float(taper_mm))
    out = np.zeros(grid.shape, dtype=np.float32)
    frames = (*axes(geometry.angles_rad[seen]), source_z_mm(geometry)[seen], shares(geometry, grid)[seen])
    detector = np.array([first_u_mm(geometry, taper_mm), geometry.pitch_u_mm, v_mm(geometry)[0], geometry.pitch_v_mm])
    cone_kernel(q, frames, kind_of(geometry), detector, place_of(grid), out)
    return out


def fbp(
    projections: Float[Array, "views z u"], geometry: Parallel | Fan, *, grid: Grid, ramp: Ramp = RAM_LAK, taper_mm: float | int = 0.0
) -> Float32[Array, "x y z"]:
    """Image, slice by slice, from parallel or fan line integrals. Kak & Slaney 1988, Principles of Computerized Tomographic Imaging, ch. 3.

    Raises as `fdk`; the projections have one row a slice of the grid.
    """
    held = _held(projections, (geometry.angles_rad.size, grid.shape[2], geometry.n_u))
    require_meeting(geometry, grid)
    q = _filtered_rays(held, (view_weights(geometry, grid.radius_mm), np.ones((1, 1))), geometry, ramp, float(taper_mm))
    out = np.zeros(grid.shape, dtype=np.float32)
    detector = np.array([first_u_mm(geometry, taper_mm), geometry.pitch_u_mm])
    stack_kernel(q, axes(geometry.angles_rad), kind_of(geometry), detector, place_of(grid), out)
    return out


def view_weights(geometry: Geometry, radius_mm: float) -> Float[Array, "views u"]:
    """All that multiplies a ray before the filter and its view after it, less the cosine of a cone's height and the voxel's distance.

    Parallel: Δθ. Flat: Δβ·share·cos γ. Curved: Δβ·share·R·cos γ, R the source's distance from the isocentre.
    """
    if isinstance(geometry, Parallel):
        return parallel_steps(geometry.angles_rad)[:, None] * np.ones(geometry.n_u)
    scale = geometry.source_isocentre_mm if geometry.curved else 1.0
    return ray_weights(geometry, radius_mm) * scale * np.cos(fan_rad(geometry))


def axial_cosine(geometry: Cone) -> Float[Array, "v u"]:
    """Cosine between a ray and the plane of rotation."""
    reach = geometry.source_detector_mm / (1.0 if geometry.curved else np.cos(fan_rad(geometry)))
    return 1.0 / np.sqrt(1.0 + (v_mm(geometry)[:, None] / reach) ** 2) * np.ones(geometry.n_u)


def filter_pitch(geometry: Geometry) -> float:
    """a of the ramp: the pitch at the isocentre in mm, or the angle between pixels of a curved detector."""
    if isinstance(geometry, Parallel):
        return float(geometry.pitch_u_mm)
    if geometry.curved:
        return float(geometry.pitch_u_mm / geometry.source_detector_mm)
    return float(geometry.pitch_u_mm * geometry.source_isocentre_mm / geometry.source_detector_mm)


def first_u_mm(geometry: Geometry, taper_mm: float | int) -> float:
    """Place of the first filtered column, `beyond` the first pixel."""
    return float(u_mm(geometry)[0] - beyond(geometry, float(taper_mm))[0] * geometry.pitch_u_mm)


def is_curved(geometry: Geometry) -> bool:
    """True when pixels lie at equal angles."""
    return not isinstance(geometry, Parallel) and geometry.curved


def kind_of(geometry: Geometry) -> tuple[int, float, float]:
    """Kind and distances, as compiled loops take them."""
    if isinstance(geometry, Parallel):
        return PARALLEL, 1.0, 1.0
    return CURVED if geometry.curved else FLAT, float(geometry.source_isocentre_mm), float(geometry.source_detector_mm)


def _views(views: Bool[Array, "_"] | None, geometry: Geometry) -> Bool[Array, "_"] | slice:
    """Which views are used; all where none are named. Raises GeometryError for another number of views than the geometry has."""
    if views is None:
        return slice(None)
    if views.shape != geometry.angles_rad.shape:
        found = f"a choice among {views.size} views of {geometry.angles_rad.size}"
        raise GeometryError(found, where="views", remedy="say of each view whether it is used")
    return views


def _filtered_rays(
    projections: Float32[Array, "views v u"],
    weights: tuple[Float[Array, "views u"], Array],
    geometry: Geometry,
    ramp: Ramp,
    taper_mm: float,
) -> Float32[Array, "views more_u v"]:
    """Filtered line integrals, rows of a column side by side; `weights`: of each view's columns, and of rows and columns (cosines)."""
    if not 0 <= taper_mm < np.inf:
        raise RangeError(f"a taper of {taper_mm:g} mm", where="taper_mm", remedy="give a length of 0 or more")
    weighted = projections * weights[0][:, None, :].astype(np.float32)
    weighted *= weights[1].astype(np.float32)
    return filtered(_faded(weighted, geometry, taper_mm), ramp, filter_pitch(geometry), curved=is_curved(geometry))


def _faded(weighted: Float32[Array, "views v u"], geometry: Geometry, taper_mm: float) -> Float32[Array, "views v more_u"]:
    """The rows with the columns `beyond` them: the outermost value times a squared cosine that ends after the taper, then 0."""
    before, after = beyond(geometry, taper_mm)
    if not before + after:
        return weighted
    away_mm = np.concatenate([np.arange(before, 0, -1), np.zeros(geometry.n_u), np.arange(1, after + 1)]) * geometry.pitch_u_mm
    share = np.clip(away_mm / taper_mm, 0.0, 1.0) if taper_mm > 0 else (away_mm > 0).astype(np.float64)
    fade = (np.cos(0.5 * np.pi * share) ** 2).astype(np.float32)
    return np.pad(weighted, ((0, 0), (0, 0), (before, after)), mode="edge") * fade


def _held(projections: Float[Array, "views v u"], shape: tuple[int, int, int]) -> Float32[Array, "views v u"]:
    """The projections, which must have the geometry's shape and be finite."""
    held = as_float32(projections, "projections")
    if held.shape != shape:
        found = f"projections of {held.shape} for a geometry of {shape} (views, rows, columns)"
        raise GeometryError(found, where="projections", remedy="reconstruct with the geometry that they were taken with")
    if not np.isfinite(held).all():
        raise InputError(
            "line integrals that are not finite", where="projections", remedy="replace pixels without counts before the logarithm"
        )
    return held
