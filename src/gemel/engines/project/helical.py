"""Which views see a height on a helical path: one turn of the source about each slice, feathered at its ends."""

import numpy as np
from jaxtyping import Float32

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.project.geometry import Cone, source_z_mm, v_mm
from gemel.engines.project.grid import Grid

FEATHER_TURNS = 0.1
"""Half-width of the linear ramp at each end of the turn."""


def shares(geometry: Cone, grid: Grid) -> Float32[Array, "views z"]:
    """1 on a circle. On a helix 1 for views within half a turn of the slice, 0 for others, linear between; a turn apart they sum to 1.

    Wang 1993, IEEE Trans Med Imaging 12:486 (Feldkamp's algorithm along a helix): approximate, good for small cone angles.
    Raises RangeError for a path that leaves the slices of the grid without a whole turn, or a feed that the rows do not span.
    """
    z_mm = source_z_mm(geometry)
    if geometry.z_mm is None or np.ptp(z_mm) == 0:
        return np.ones((z_mm.size, grid.shape[2]), dtype=np.float32)
    feed_mm = abs(_feed_mm(geometry))
    slices = grid.first_mm[2] + grid.spacing_mm[2] * np.arange(grid.shape[2])
    reach_mm = (0.5 + FEATHER_TURNS) * feed_mm
    step_mm = feed_mm / 2 / np.pi * abs(float(np.median(np.diff(geometry.angles_rad))))
    if slices[0] - reach_mm < z_mm.min() - step_mm or slices[-1] + reach_mm > z_mm.max() + step_mm:
        path = f"a path from {z_mm.min():.1f} to {z_mm.max():.1f} mm, {feed_mm:.1f} mm a turn"
        found = f"slices from {slices[0]:.1f} to {slices[-1]:.1f} mm and {path}"
        raise RangeError(found, where="z_mm", remedy=f"the path must go {reach_mm:.1f} mm beyond the slices")
    rows_mm = min(-v_mm(geometry)[0], v_mm(geometry)[-1]) + 0.5 * geometry.pitch_v_mm
    if 0.5 * feed_mm * geometry.source_detector_mm / geometry.source_isocentre_mm > rows_mm:
        raise RangeError(f"a feed of {feed_mm:.1f} mm a turn past the rows", where="z_mm", remedy="lower the pitch or add rows")
    turns = np.abs(slices - z_mm[:, None]) / feed_mm
    return np.clip((0.5 + FEATHER_TURNS - turns) / (2 * FEATHER_TURNS), 0.0, 1.0).astype(np.float32)


def _feed_mm(geometry: Cone) -> float:
    """Way of the source along z in one turn. Raises RangeError for a path whose z is not straight in the angle."""
    z_mm, angles = source_z_mm(geometry), geometry.angles_rad
    slope, first = np.polyfit(angles, z_mm, 1)
    if np.abs(first + slope * angles - z_mm).max() > 1e-3 * np.ptp(z_mm):
        raise RangeError(
            "a source whose z is not straight in its angle", where="z_mm", remedy="unwrap the angles; one steady feed at a time"
        )
    return float(2 * np.pi * slope)
