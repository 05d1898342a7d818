"""Sharpness from the circular edge of a rod or body, and slice width from ramps."""

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.devices.ct.phantom.plane import Plane
from gemel.engines.image_quality import mtf

REACH, MOST_mm, LEAST_HU = 0.7, 6.0, 30.0
RAMP_TAN = float(np.tan(np.radians(23.0)))
"""CatPhan's wires rise by 23 degrees."""


def edge_mtf50_1_mm(plane: Plane, x_mm: float, y_mm: float, radius_mm: float) -> float:
    """Where the MTF of a disc's edge falls to a half; its centre is found again by the values' own centre of mass.

    `engines.image_quality.mtf`. Raises InputError for an edge without contrast, RangeError for an MTF that does not fall to a half.
    """
    x, y = ((np.arange(n) - c) * plane.pixel_mm for n, c in zip(plane.HU.shape, plane.centre))
    reach_mm = min(REACH * radius_mm, MOST_mm)
    rough = np.hypot(x[:, None] - x_mm, y[None, :] - y_mm)
    inside, outside = (np.median(plane.HU[part]) for part in (rough < radius_mm - reach_mm / 2, _ring(rough, radius_mm, reach_mm)))
    if abs(inside - outside) < LEAST_HU:
        raise InputError(
            f"an edge of {inside - outside:.0f} HU", where="MTF", remedy="measure it on a rod that stands out by 100 HU or more"
        )
    weight = np.where(rough < radius_mm + reach_mm, (plane.HU - outside) / (inside - outside), 0.0)
    shift_mm = np.array([weight.sum(axis=1) @ x, weight.sum(axis=0) @ y]) / weight.sum()
    place = plane.centre + shift_mm / plane.pixel_mm
    found = mtf(plane.HU, plane.pixel_mm, centre=(float(place[0]), float(place[1])), radius_mm=radius_mm, reach_mm=reach_mm)
    return found.frequency(0.5)


def _ring(rough: Float[Array, "x y"], radius_mm: float, reach_mm: float) -> Bool[Array, "x y"]:
    return np.asarray((rough > radius_mm + reach_mm / 2) & (rough < radius_mm + reach_mm))


def ramp_slice_mm(profile_HU: Float[Array, "n"], step_mm: float, tangent: float = RAMP_TAN) -> float:
    """Slice width from the profile along a ramp's trace: its full width at half height times the ramp's tangent.

    ICRU Report 87 (2012); CatPhan manual. Raises InputError for a trace that does not stand out.
    """
    level = float(np.quantile(profile_HU, 0.1))
    height = float(profile_HU.max()) - level
    peak = int(np.argmax(profile_HU))
    above = profile_HU - level - 0.5 * height
    ends = [peak + int(np.argmax(above[peak:] < 0)), peak - int(np.argmax(above[peak::-1] < 0))]
    if height < 20.0 or ends[0] == peak or ends[1] == peak:
        raise InputError(f"a ramp's trace of {height:.0f} HU", where="slice width", remedy="choose the slice through the ramps' middle")
    right = ends[0] - 1 + above[ends[0] - 1] / (above[ends[0] - 1] - above[ends[0]])
    left = ends[1] + 1 - above[ends[1] + 1] / (above[ends[1] + 1] - above[ends[1]])
    return float((right - left) * step_mm * tangent)
