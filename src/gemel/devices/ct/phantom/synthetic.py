"""Phantom slices made up for tests and synthetic scanners: known HU, noise, blur, shading and rings. Not a simulation of a scanner."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from gemel.core.image import Array, Image

CATPHAN_RODS = (
    (-90.0, -1000.0),
    (-60.0, 948.0),
    (0.0, 342.0),
    (60.0, 113.0),
    (90.0, -1000.0),
    (120.0, -38.0),
    (180.0, -85.0),
    (-120.0, -185.0),
)
"""Angle in degrees and HU of air, Teflon, Delrin, acrylic, air, polystyrene, polyethylene, PMP."""
ACR_RODS = ((45.0, 955.0), (135.0, -85.0), (-135.0, 113.0), (-45.0, -1000.0))
LAYOUT = {"CatPhan": (CATPHAN_RODS, 58.4, 6.1), "ACR 464": (ACR_RODS, 63.0, 12.5)}


@dataclass(frozen=True)
class Look:
    """How a slice looks: body HU, noise at centre and edge, edge less centre, rings, Gaussian blur, scale, shift of the body's centre."""

    body_HU: float = 0.0
    noise_HU: tuple[float, float] = (6.0, 4.0)
    uniformity_HU: float = 0.0
    ring_HU: float = 0.0
    blur_mm: float = 0.5
    scale: float = 1.0
    shift_mm: tuple[float, float] = (0.0, 0.0)


def phantom_slice(
    kind: str,
    look: Look,
    *,
    pixel_mm: float = 0.5,
    radius_mm: float = 100.0,
    rods: dict[float, float] | None = None,
    rng: np.random.Generator,
) -> Image:
    """A slice of `water`, `CatPhan` or `ACR 464` in HU; `rods`: HU by nominal HU, for those that have changed."""
    size = int(2.3 * radius_mm / pixel_mm)
    axis = (np.arange(size) - (size - 1) / 2) * pixel_mm
    x, y = np.meshgrid(axis - look.shift_mm[0], axis - look.shift_mm[1], indexing="ij")
    radius = np.hypot(x, y) / look.scale
    HU = np.full((size, size), -1000.0)
    HU += _cover(radius, radius_mm, pixel_mm) * (1000.0 + look.body_HU + look.uniformity_HU * np.square(radius / (0.72 * radius_mm)))
    for angle, nominal in LAYOUT[kind][0] if kind in LAYOUT else ():
        _, at_mm, rod_mm = LAYOUT[kind]
        there = np.radians(angle)
        off = np.hypot(x / look.scale - at_mm * np.cos(there), y / look.scale - at_mm * np.sin(there))
        now = (rods or {}).get(nominal, nominal)
        HU += _cover(off, rod_mm, pixel_mm) * (now - look.body_HU)
    HU = np.asarray(ndimage.gaussian_filter(HU, look.blur_mm / pixel_mm))
    HU += _grain(radius, look, pixel_mm, rng) + look.ring_HU * _rings(radius, rng)
    return Image(HU[:, :, None].astype(np.float32), np.diag([pixel_mm, pixel_mm, 1.0, 1.0]))


def _cover(radius: Float[Array, "x y"], edge_mm: float, pixel_mm: float) -> Float[Array, "x y"]:
    """Share of a pixel within a disc, to first order."""
    return np.clip(0.5 + (edge_mm - radius) / pixel_mm, 0.0, 1.0)


def _grain(radius: Float[Array, "x y"], look: Look, pixel_mm: float, rng: np.random.Generator) -> Float[Array, "x y"]:
    """Noise of 1 mm grain whose standard deviation runs from the centre's to the edge's at 0.72 of 100 mm."""
    rough = ndimage.gaussian_filter(rng.standard_normal(radius.shape), 0.4 / pixel_mm)
    centre, edge = look.noise_HU
    return np.asarray(rough / rough.std() * (centre + (edge - centre) * np.minimum(radius / 72.0, 1.3)))


def _rings(radius: Float[Array, "x y"], rng: np.random.Generator) -> Float[Array, "x y"]:
    """Rings a millimetre wide of unit spread."""
    return rng.standard_normal(int(radius.max()) + 2)[np.rint(radius).astype(int)]
