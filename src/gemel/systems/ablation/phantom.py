"""A made-up liver with a tumour, a share of fat, and a duct beside it."""

import numpy as np

from gemel.core.image import Image
from gemel.devices.needle import Needle
from gemel.systems.ablation.body import Body

DUCT_mm = 4.0


def phantom(*, shape: int = 40, spacing_mm: float = 2.0, radius_mm: float = 9.0, fat_1: float = 0.15, away_mm: float = 30.0) -> Body:
    """A block of liver about a ball of tumour; a duct runs along y at `away_mm` of its middle; entries A, B, C along z, 5 mm apart."""
    axis = (np.arange(shape) - (shape - 1) / 2) * spacing_mm
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    affine_mm = np.diag([spacing_mm] * 3 + [1.0])
    affine_mm[:3, 3] = axis[0]
    tumour = np.sqrt(x**2 + y**2 + z**2) <= radius_mm
    duct = np.hypot(x - away_mm, z) <= DUCT_mm
    along = np.array([0.0, 0.0, 1.0])
    fat = np.where(tumour, 0.0, fat_1).astype(np.float32)
    entries = tuple(Needle(name, step * along, along) for name, step in (("A", 0.0), ("B", 5.0), ("C", -5.0)))
    return Body(Image(fat, affine_mm), np.ones_like(tumour), tumour, duct, fat, entries)
