"""Noise, uniformity and rings of a plain part of a phantom."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gemel.core.image import Array
from gemel.devices.ct.phantom.plane import Plane
from gemel.devices.ct.phantom.rods import ring_medians
from gemel.engines.image_quality import nps, radial

REGION_mm, EDGE = 15.0, 0.72
"""Radius of a region, and share of the body's radius at which four of them lie near the edge."""
RING_WIDTH_mm = 6.0


def regions(plane: Plane) -> tuple[Bool[Array, "x y"], tuple[Bool[Array, "x y"], ...]]:
    """The middle region, and four near the edge."""
    at_mm, size_mm = EDGE * plane.radius_mm, min(REGION_mm, 0.15 * plane.radius_mm)
    around = tuple(plane.disc(x * at_mm, y * at_mm, size_mm) for x, y in ((1, 0), (0, 1), (-1, 0), (0, -1)))
    return plane.disc(0.0, 0.0, size_mm), around


def noise_HU(plane: Plane, region: Bool[Array, "x y"]) -> float:
    """Standard deviation about the region's own plane: shading is no noise."""
    x, y = np.nonzero(region)
    columns = np.stack([np.ones(len(x)), x - x.mean(), y - y.mean()], axis=1)
    values = plane.HU[x, y]
    rest = values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0]
    return float(np.sqrt(rest @ rest / (len(x) - 3)))


def rings_HU(plane: Plane) -> float:
    """Spread of the ring medians about their run over 6 mm, from 8 mm to 0.7 of the radius: gains of single detector elements."""
    profile = ring_medians(plane)[: int(0.7 * plane.radius_mm)]
    smooth = ndimage.uniform_filter1d(profile, int(RING_WIDTH_mm))
    return float(np.std((profile - smooth)[8:-3]))


def middle(plane: Plane) -> dict[str, float]:
    """water_HU and ln noise of the middle alone, where the edge holds rods."""
    region, _ = regions(plane)
    return {"water_HU": float(plane.HU[region].mean()), "ln_noise_centre_1": float(np.log(max(noise_HU(plane, region), 1e-3)))}


def texture(plane: Plane) -> dict[str, float]:
    """water_HU, ln noise at the centre and near the edge, edge less centre, rings."""
    centre = middle(plane)
    _, around = regions(plane)
    edge_HU = float(np.mean([plane.HU[region].mean() for region in around]))
    edge_noise_HU = np.sqrt(np.mean([noise_HU(plane, region) ** 2 for region in around]))
    return {
        **centre,
        "ln_noise_edge_1": float(np.log(max(float(edge_noise_HU), 1e-3))),
        "uniformity_HU": edge_HU - centre["water_HU"],
        "ring_HU": rings_HU(plane),
    }


def noise_power(plane: Plane, size_mm: float = 64.0) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """Radial noise power spectrum of the middle (1/mm, HU² mm²), shading taken off as a quadratic surface (`engines.image_quality`)."""
    n = int(size_mm / plane.pixel_mm) // 2 * 2
    low = np.rint(plane.centre).astype(int) - n // 2
    return radial(nps(plane.HU[None, low[0] : low[0] + n, low[1] : low[1] + n], plane.pixel_mm, order=2))
