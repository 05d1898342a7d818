"""A breast whose ADC has a texture, at a first visit and at a second in a frame of its own: moved, bent, its tumour smaller."""

import numpy as np
from scipy import ndimage

from gemel.core.diffusion import DiffusionVisit
from gemel.core.image import Image
from gemel.core.time import DAY_S, seconds

SHAPE, SPACING_mm = (36, 36, 24), 2.5
START_s = seconds("2026-03-02T09:00:00")
BEFORE_mm, AFTER_mm = 13.0, 10.0
X_mm = np.moveaxis(np.indices(SHAPE), 0, -1) * SPACING_mm
CENTRE_mm = (np.array(SHAPE) - 1) / 2 * SPACING_mm


def distance_mm() -> np.ndarray:
    return np.asarray(np.linalg.norm(X_mm - CENTRE_mm, axis=-1))


def first() -> DiffusionVisit:
    return _visit(_adc(BEFORE_mm, 0.9e-3), distance_mm() < BEFORE_mm, "1.2.1", 0.0)


def later(shift_mm: tuple[float, float, float], bend_mm: float, *, day: float = 21.0, gone: bool = False) -> DiffusionVisit:
    """What lay at p lies at p + bend(p) + shift; each voxel has 5 % of noise."""
    from_mm = X_mm - np.array(shift_mm)
    back = np.moveaxis((from_mm - bend(from_mm, bend_mm)) / SPACING_mm, -1, 0)
    adc = ndimage.map_coordinates(_adc(AFTER_mm, 1.2e-3), back, order=1)
    tumour = ndimage.map_coordinates((distance_mm() < AFTER_mm).astype(float), back, order=1) >= 0.5
    noisy = adc * (1 + 0.05 * np.random.default_rng(3).standard_normal(SHAPE))
    return _visit(np.maximum(noisy, 0.0), tumour & (not gone), "1.2.2", day, gone=gone)


def bend(x_mm: np.ndarray, size_mm: float) -> np.ndarray:
    """A push along x that falls off across it (Gaussian of 18 mm, its middle 8 mm from the tumour's): tissue keeps its volume."""
    across = np.exp(-0.5 * np.square((x_mm - CENTRE_mm - np.array([0.0, 8.0, 0.0])) / 18.0)[..., 1:].sum(axis=-1))
    return np.asarray(size_mm * across[..., None] * np.array([1.0, 0.0, 0.0]))


def _adc(radius_mm: float, level_mm2_s: float) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(SHAPE), 2.0)
    texture = 0.35e-3 * noise / noise.std()
    breast = np.square((X_mm - CENTRE_mm) / (0.47 * np.array(SHAPE) * SPACING_mm)).sum(axis=-1) <= 1
    inside = np.where(distance_mm() < radius_mm, level_mm2_s + 0.25 * texture, 1.6e-3 + texture)
    return np.where(breast, np.clip(inside, 0.3e-3, 2.9e-3), 0.0)


def _visit(adc: np.ndarray, tumour: np.ndarray, frame: str, day: float, *, gone: bool = False) -> DiffusionVisit:
    image = Image(adc.astype(np.float32), np.diag([SPACING_mm] * 3 + [1.0]), frame)
    return DiffusionVisit(image, tumour, START_s + day * DAY_S, source=f"day {day:g}", nothing_left=gone)
