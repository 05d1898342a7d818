"""A small body with two stiff balls, a filling sac and a fatty rim, and scans of it with the faults of a cone-beam scanner."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from gemel.core.image import Image
from gemel.engines.registration import DisplacementField, zero_field

SHAPE, SPACING_mm = (48, 42, 28), 5.0


def positions_mm(grid: Image) -> np.ndarray:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    return index @ grid.affine_mm[:3, :3].T + grid.origin_mm


def ball(grid: Image, centre_mm: tuple[float, float, float], radius_mm: float) -> np.ndarray:
    return np.linalg.norm(positions_mm(grid) - centre_mm, axis=-1) <= radius_mm


@pytest.fixture(scope="session")
def grid() -> Image:
    affine_mm = np.diag([SPACING_mm, SPACING_mm, SPACING_mm, 1.0])
    affine_mm[:3, 3] = -0.5 * SPACING_mm * (np.array(SHAPE) - 1)
    return Image(np.zeros(SHAPE, np.float32), affine_mm)


@pytest.fixture(scope="session")
def sac(grid: Image) -> np.ndarray:
    return ball(grid, (0.0, -10.0, 0.0), 30.0)


@pytest.fixture(scope="session")
def planning(grid: Image, sac: np.ndarray) -> Image:
    x = positions_mm(grid)
    hu = np.full(SHAPE, -1000.0, np.float32)
    inside = np.hypot(x[..., 0] / 112, x[..., 1] / 96) <= 1
    hu[inside] = -90
    hu[np.hypot(x[..., 0] / 100, x[..., 1] / 84) <= 1] = 45
    hu += np.where(inside, 25 * _rough(SHAPE, np.random.default_rng(7), 1.5), 0)
    hu[ball(grid, (0.0, -10.0, 0.0), 38.0)] = -80
    hu[sac] = 5
    for side in (-1, 1):
        hu[ball(grid, (70.0 * side, 0.0, 5.0), 24.0)] = 350
        hu[ball(grid, (70.0 * side, 0.0, 5.0), 17.0)] = 180
    hu[ball(grid, (0.0, 62.0, -20.0), 20.0)] = 500
    return Image(hu, grid.affine_mm)


@pytest.fixture(scope="session")
def scan() -> Callable[..., Image]:
    """Lower contrast, cup, correlated noise, truncation to a cylinder."""

    def make(image: Image, rng: np.random.Generator, *, noise_HU: float = 30.0, radius_mm: float = 104.0) -> Image:
        x = positions_mm(image)
        share = np.hypot(x[..., 0], x[..., 1]) / radius_mm
        array = 0.95 * image.array + np.where(image.array > -500, -50 + 130 * share**2, 0)
        array = array + noise_HU * _rough(image.shape, rng, 0.7)
        return Image(np.where(share <= 1, array, -1024).astype(np.float32), image.affine_mm)

    return make


@pytest.fixture(scope="session")
def filling(grid: Image) -> DisplacementField:
    """Velocity of the pull that shrinks the sac about a point on its lower side, fading within 30 mm around it."""
    nodes = zero_field(grid, 2)
    coarse = Image(np.zeros(nodes.shape, np.float32), nodes.affine_mm)
    x = positions_mm(coarse)
    fade = np.exp(-0.5 * (np.maximum(np.linalg.norm(x - (0.0, -10.0, 0.0), axis=-1) - 30, 0) / 14) ** 2)
    return DisplacementField(((x - (0.0, -10.0, -30.0)) * fade[..., None] / 3).astype(np.float32), nodes.affine_mm)


def _rough(shape: tuple[int, ...], rng: np.random.Generator, sd: float) -> np.ndarray:
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), sd)
    return (noise / noise.std()).astype(np.float32)
