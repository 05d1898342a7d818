"""How rays run: parallel, fan and cone beams that turn about z through the isocentre.

At the angle β the source lies at (cos β, sin β) and the detector's u axis along (−sin β, cos β), its v axis along z. The pixel j of n
lies at u = (j − (n − 1)/2)·pitch + offset, measured on the detector: along a line (flat) or along the arc about the source (curved).
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError
from gemel.core.image import Array
from gemel.core.number import number, numbers

COARSE_RAD = 0.2
"""Steps of angles over more than one turn beyond which they are taken for degrees: fewer than 32 views a turn."""


@dataclass(frozen=True)
class Parallel:
    """Parallel rays in planes of constant z, one row of the detector to a slice of the grid."""

    angles_rad: Float[Array, "views"]
    n_u: int
    pitch_u_mm: float
    offset_u_mm: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "angles_rad", _checked_angles(self.angles_rad))
        _require_pixels("Parallel", (self.n_u,), (self.pitch_u_mm,), (self.offset_u_mm,))


@dataclass(frozen=True)
class Fan:
    """Rays from a point in planes of constant z, one row of the detector to a slice of the grid; `curved` about the source."""

    source_isocentre_mm: float
    source_detector_mm: float
    n_u: int
    pitch_u_mm: float
    angles_rad: Float[Array, "views"]
    offset_u_mm: float = 0.0
    curved: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "angles_rad", _checked_angles(self.angles_rad))
        _require_pixels("Fan", (self.n_u,), (self.pitch_u_mm,), (self.offset_u_mm,))
        _require_distances("Fan", self.source_isocentre_mm, self.source_detector_mm)


@dataclass(frozen=True)
class Cone:
    """Rays from a point to a panel, flat or (in u) curved about the source. `z_mm` of the source by view: given, the path is a helix.

    `offset_u_mm` displaces the panel (half-fan). Raises GeometryError for distances, pixels or angles that make no such beam.
    """

    source_isocentre_mm: float
    source_detector_mm: float
    n_u: int
    n_v: int
    pitch_u_mm: float
    pitch_v_mm: float
    angles_rad: Float[Array, "views"]
    offset_u_mm: float = 0.0
    offset_v_mm: float = 0.0
    curved: bool = False
    z_mm: Float[Array, "path"] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "angles_rad", _checked_angles(self.angles_rad, turns=self.z_mm is not None))
        pitches, offsets = (self.pitch_u_mm, self.pitch_v_mm), (self.offset_u_mm, self.offset_v_mm)
        _require_pixels("Cone", (self.n_u, self.n_v), pitches, offsets)
        _require_distances("Cone", self.source_isocentre_mm, self.source_detector_mm)
        if self.z_mm is not None:
            z_mm = numbers(self.z_mm, "z_mm")
            if z_mm.shape != self.angles_rad.shape or not np.isfinite(z_mm).all():
                raise GeometryError(
                    f"{z_mm.size} places of the source for {self.angles_rad.size} views", where="Cone", remedy="one each, in mm"
                )
            object.__setattr__(self, "z_mm", z_mm)


Geometry: TypeAlias = Parallel | Fan | Cone


def u_mm(geometry: Geometry) -> Float[Array, "u"]:
    """Place of each pixel across the detector."""
    return (np.arange(geometry.n_u) - 0.5 * (geometry.n_u - 1)) * geometry.pitch_u_mm + geometry.offset_u_mm


def v_mm(geometry: Cone) -> Float[Array, "v"]:
    """Place of each row along the axis, on the detector and from the source's own z."""
    return (np.arange(geometry.n_v) - 0.5 * (geometry.n_v - 1)) * geometry.pitch_v_mm + geometry.offset_v_mm


def fan_rad(geometry: Fan | Cone) -> Float[Array, "u"]:
    """Angle γ of each pixel from the central ray, in the plane of rotation."""
    share = u_mm(geometry) / geometry.source_detector_mm
    return share if geometry.curved else np.arctan(share)


def is_displaced(geometry: Geometry) -> bool:
    """True for a half fan: a detector more than a pixel off the central ray, of which a closed turn then sees each line once."""
    return not isinstance(geometry, Parallel) and abs(geometry.offset_u_mm) > geometry.pitch_u_mm


def field_radius_mm(geometry: Geometry) -> float:
    """Radius about the axis that is seen from all sides: to the farther rim of a displaced detector, else to the nearer."""
    rims = np.abs(u_mm(geometry)[[0, -1]]) + 0.5 * geometry.pitch_u_mm
    rim = float(rims.max() if is_displaced(geometry) else rims.min())
    if isinstance(geometry, Parallel):
        return rim
    share = rim / geometry.source_detector_mm
    return float(geometry.source_isocentre_mm * np.sin(share if geometry.curved else np.arctan(share)))


def source_z_mm(geometry: Geometry) -> Float[Array, "views"]:
    """z of the source in each view; 0 unless the path is a helix."""
    z_mm = geometry.z_mm if isinstance(geometry, Cone) else None
    return np.zeros(geometry.angles_rad.size) if z_mm is None else z_mm


def _checked_angles(angles_rad: Float[Array, "views"], *, turns: bool = False) -> Float[Array, "views"]:
    """Angles as float64. Raises GeometryError for none, for one that is not finite, and for steps of COARSE_RAD over more than a turn."""
    angles = numbers(angles_rad, "angles_rad")
    if angles.ndim != 1 or not angles.size or not np.isfinite(angles).all():
        found = f"angles of shape {angles.shape}, some not finite" if angles.size else "no angles"
        raise GeometryError(found, where="angles_rad", remedy="give one finite angle a view, in radians")
    step = float(np.median(np.diff(np.sort(angles)))) if np.ptp(angles) > 2 * np.pi + 1e-6 else 0.0
    if step > (0.5 * np.pi if turns else COARSE_RAD):
        found = f"{angles.size} angles from {angles.min():g} to {angles.max():g} rad, {step:g} apart"
        raise GeometryError(found, where="angles_rad", remedy="convert degrees with np.radians; take angles that are meant modulo 2π")
    return angles


def _require_pixels(where: str, pixels: tuple[int, ...], pitches: tuple[float, ...], offsets: tuple[float, ...]) -> None:
    """Raises GeometryError unless there are pixels of a size above 0 at finite places."""
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in pixels)
    sizes = [number(size, where) for size in (*pitches, *offsets)]
    if not whole or min(pixels) < 1 or not min(sizes[: len(pitches)]) > 0 or not np.isfinite(sizes).all():
        found = f"a detector of {pixels} pixels of {pitches} mm displaced by {offsets} mm"
        raise GeometryError(found, where=where, remedy="give whole numbers and pitches above 0 and finite offsets")


def _require_distances(where: str, source_isocentre_mm: float, source_detector_mm: float) -> None:
    """Raises GeometryError unless the isocentre lies between the source and the detector."""
    both = [number(distance_mm, where) for distance_mm in (source_isocentre_mm, source_detector_mm)]
    if not (np.isfinite(both).all() and 0 < source_isocentre_mm <= source_detector_mm):
        found = f"{source_isocentre_mm} mm to the isocentre and {source_detector_mm} mm to the detector"
        raise GeometryError(found, where=where, remedy="give distances from the source, the detector's the longer")
