"""An oval body with two bones, a soft organ and, if asked, gas; and a small machine to scan it with."""

from dataclasses import replace

import numpy as np

from gemel.core.image import Image
from gemel.devices.cbct import GENERIC, Machine

STEP_mm = 5.0
SMALL = replace(GENERIC, bin_mm=6.0, views=120)
ISOCENTRE_mm = np.array([12.0, -7.0, 30.0])


def places_mm(image: Image) -> np.ndarray:
    """LPS position of every voxel, from the isocentre."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in image.shape), indexing="ij"), axis=-1)
    return index * image.spacing_mm + image.origin_mm - ISOCENTRE_mm


def empty(shape: tuple[int, int, int] = (72, 52, 25)) -> Image:
    affine = np.diag([STEP_mm, STEP_mm, STEP_mm, 1.0])
    affine[:3, 3] = ISOCENTRE_mm - STEP_mm * (np.array(shape) - 1) / 2
    return Image(np.full(shape, -1000.0, np.float32), affine)


def pelvis(*, gas_mm: float = 0.0, semi_mm: tuple[float, float] = (165.0, 115.0), organ_HU: float = 20.0) -> Image:
    image = empty()
    x, y, z = np.moveaxis(places_mm(image), -1, 0)
    hu = np.where((x / semi_mm[0]) ** 2 + (y / semi_mm[1]) ** 2 < 1, -100.0, -1000.0)
    hu[(x / (0.85 * semi_mm[0])) ** 2 + (y / (0.8 * semi_mm[1])) ** 2 < 1] = 45.0
    for side in (-1, 1):
        hu[np.hypot(x - side * 95, y - 5) < 24 + 3 * np.sin(z / 20)] = 700.0
        hu[np.abs(z - 35) + np.hypot(x - side * 60, y + 20) < 25] = 500.0
    hu[np.sqrt(x**2 + (y + 25) ** 2 + z**2) < 30] = organ_HU
    if gas_mm > 0:
        hu[np.sqrt(x**2 + (y - 50) ** 2 + z**2) < gas_mm] = -900.0
    return replace(image, array=hu.astype(np.float32))


def cylinder(radius_mm: float, hu: float = 0.0) -> Image:
    image = empty()
    fine = (np.arange(4) - 1.5) / 4 * STEP_mm
    x, y = (places_mm(image)[:, :, 0, a] for a in (0, 1))
    share = np.mean([np.hypot(x + a, y + b) < radius_mm for a in fine for b in fine], axis=0)
    return replace(image, array=np.repeat((-1000 + (hu + 1000) * share)[..., None], image.shape[2], axis=2).astype(np.float32))


def without_noise(machine: Machine, **changes: object) -> Machine:
    return replace(machine, **{"mAs": 1e7, **changes})
