"""Rods and small marks in a phantom: what stands out from the ring that it lies in."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from gemel.core.image import Array
from gemel.devices.ct.phantom.plane import Plane

SMOOTH_mm, LEAST_HU, NOISES = 1.5, 40.0, 6.0
WITHIN = 0.88
"""Share of the body's radius within which rods are looked for: housings lie outside."""
STEADY = 0.7
"""Share of a rod's radius that is read."""


@dataclass(frozen=True)
class Rod:
    """Centre in mm from the body's, diameter in mm, mean HU and its spread within; `HU_mark`: its largest departure."""

    x_mm: float
    y_mm: float
    diameter_mm: float
    HU: float
    sd_HU: float
    mark_HU: float

    @property
    def radius_mm(self) -> float:
        """Distance from the body's centre."""
        return float(np.hypot(self.x_mm, self.y_mm))

    @property
    def angle(self) -> float:
        """Of its place, radians."""
        return float(np.arctan2(self.y_mm, self.x_mm))


def ring_medians(plane: Plane) -> Float[Array, "mm"]:
    """Median HU of rings a millimetre wide about the body's centre, out to its edge."""
    radius_mm, _ = plane.polar()
    ring = np.rint(radius_mm).astype(int)
    inside = ring <= int(plane.radius_mm) + 1
    order = np.argsort(ring[inside], kind="stable")
    values, found = plane.HU[inside][order], ring[inside][order]
    starts = np.searchsorted(found, np.arange(int(found[-1]) + 2))
    return np.array([np.median(values[a:b]) if b > a else 0.0 for a, b in pairwise(starts)])


def flattened(plane: Plane) -> Float[Array, "x y"]:
    """HU less the median of its ring: shading and housings go, rods stay; 0 beyond the body."""
    radius_mm, _ = plane.polar()
    medians = ring_medians(plane)
    ring = np.rint(radius_mm).astype(int)
    return np.where(ring < len(medians), plane.HU - medians[np.minimum(ring, len(medians) - 1)], 0.0)


def rods(plane: Plane) -> tuple[Rod, ...]:
    """Everything that stands out, largest first. Diameters are those at half height."""
    flat = flattened(plane)
    smooth = ndimage.gaussian_filter(flat, SMOOTH_mm / 2 / plane.pixel_mm)
    radius_mm, _ = plane.polar()
    field = radius_mm <= WITHIN * plane.radius_mm
    spread = 1.4826 * float(np.median(np.abs(smooth[field])))
    found = []
    for sign in (1.0, -1.0):
        labels, count = ndimage.label((sign * smooth > max(LEAST_HU, NOISES * spread)) & field)
        for i in range(1, count + 1):
            rod = _rod(plane, flat, sign * smooth * (labels == i), sign)
            if rod is not None:
                found.append(rod)
    return tuple(sorted(found, key=lambda rod: (-rod.diameter_mm, rod.angle)))


def _rod(plane: Plane, flat: Float[Array, "x y"], height: Float[Array, "x y"], sign: float) -> Rod | None:
    """A blob as a rod; None for specks below four pixels."""
    core = height > 0.5 * height.max()
    if core.sum() < 4:
        return None
    middle = np.array(ndimage.center_of_mass(core))
    x_mm, y_mm = (middle - plane.centre) * plane.pixel_mm
    diameter_mm = 2.0 * float(np.sqrt(core.sum() / np.pi)) * plane.pixel_mm
    within = plane.disc(float(x_mm), float(y_mm), max(STEADY * diameter_mm / 2, plane.pixel_mm))
    inside = plane.HU[within]
    mark_HU = sign * float((sign * flat[within]).max())
    return Rod(float(x_mm), float(y_mm), diameter_mm, float(inside.mean()), float(inside.std()), mark_HU)
