"""A slice as the scanner's rays see it, traced once for all protocols."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import binary_fill_holes, center_of_mass, label

from gemel.core.errors import GeometryError, InputError
from gemel.core.image import Array
from gemel.devices.ct.basis import basis_shares
from gemel.devices.ct.dose import water_equivalent_diameter_cm
from gemel.devices.ct.scanner import Scanner, coarse_fan
from gemel.engines.project import Fan, Grid, forward

VIEWS, COLUMNS = 120, 222
PIXEL_MM = 3.0
BODY_HU = -400.0
EDGE_COLUMNS, EDGE_CM = 2, 0.5


@dataclass(frozen=True)
class Anatomy:
    """Line integrals of water and bone (cm) and iodine (mg/cm²) by view and column, and what follows from the slice alone."""

    lines_cm: Float[Array, "views u m"]
    fan: Fan
    diameter_cm: float
    centre_mm: tuple[float, float]
    truncated: bool


def trace(
    hu: Float[Array, "x y"],
    spacing_mm: tuple[float, float],
    scanner: Scanner,
    *,
    centre_mm: tuple[float, float] = (0.0, 0.0),
    iodine_mg_mL: Float[Array, "x y"] | None = None,
) -> Anatomy:
    """Rays through a slice whose middle lies at `centre_mm` from the isocentre.

    Pixels finer than 3 mm are averaged first. Raises InputError when there is no body in the slice, UnitError for numbers that are no HU.
    """
    if hu.ndim != 2 or min(hu.shape) < 8 or not min(spacing_mm) > 0:
        raise GeometryError(f"a slice of shape {hu.shape}", where="trace", remedy="give one slice (x, y) with its pixel spacing in mm")
    shares = basis_shares(np.asarray(hu, dtype=np.float64), iodine_mg_mL=iodine_mg_mL)
    inside = body(hu)
    middle = (np.array(center_of_mass(inside)) - (np.array(hu.shape) - 1) / 2) * spacing_mm + centre_mm
    small, step = _coarser(shares, spacing_mm)
    fan = coarse_fan(scanner, views=VIEWS, columns=COLUMNS)
    grid = Grid((*small.shape[1:], 1), (*step, 1.0), (*centre_mm, 0.0))
    lines = forward(small[..., None], fan, grid=grid)[:, 0] / 10
    edge = np.concatenate([lines[:, :EDGE_COLUMNS], lines[:, -EDGE_COLUMNS:]], axis=1)[..., :2].sum(axis=-1)
    diameter = water_equivalent_diameter_cm(np.where(inside, hu, -1000.0), spacing_mm)
    return Anatomy(lines, fan, diameter, (float(middle[0]), float(middle[1])), bool(edge.max() > EDGE_CM))


def body(hu: Float[Array, "x y"]) -> Bool[Array, "x y"]:
    """The largest connected region above −400 HU with its holes filled; raises InputError when there is none."""
    found, count = label(hu > BODY_HU)
    if count == 0:
        raise InputError("no body: nothing above -400 HU", where="trace", remedy="is this slice in air, or are the numbers not HU?")
    largest = 1 + int(np.argmax(np.bincount(found.ravel())[1:]))
    return np.asarray(binary_fill_holes(found == largest))


def water_ellipse_HU(a_cm: float, b_cm: float, *, pixels: int = 200, pixel_mm: float = 3.0) -> Float[Array, "x y"]:
    """An elliptic water phantom with full axes a (x) and b (y) in air, its edge shared between pixels."""
    axis = (np.arange(pixels * 4) + 0.5) * pixel_mm / 4 - pixels * pixel_mm / 2
    inside = (axis[:, None] / (5 * a_cm)) ** 2 + (axis / (5 * b_cm)) ** 2 <= 1
    return np.asarray(1000.0 * inside.reshape(pixels, 4, pixels, 4).mean(axis=(1, 3)) - 1000.0)


def _coarser(shares: Float[Array, "m x y"], spacing_mm: tuple[float, float]) -> tuple[Float[Array, "m i j"], tuple[float, float]]:
    """Means over blocks of pixels that stay within 3 mm; the grid keeps its centre (edges of air are added to fill the last block)."""
    blocks = [max(1, int(PIXEL_MM // s)) for s in spacing_mm]
    missing = [-n % k for n, k in zip(shares.shape[1:], blocks)]
    if any(missing):
        shares = np.pad(shares, ((0, 0), *((m - m // 2, m // 2) for m in missing)))
    m, nx, ny = shares.shape
    means = shares.reshape(m, nx // blocks[0], blocks[0], ny // blocks[1], blocks[1]).mean(axis=(2, 4))
    return means, (spacing_mm[0] * blocks[0], spacing_mm[1] * blocks[1])
