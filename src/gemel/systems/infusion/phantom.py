"""A made-up piece of brain: white matter with fibres along y beside grey matter, a ventricle, and a target."""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array, Image
from gemel.devices.needle import Needle
from gemel.systems.infusion.body import Body
from gemel.systems.infusion.case import surface

FIBRES, ACROSS, GREY = 2.0, 0.55, 0.95
"""Of the mean: diffusivity of water along and across fibres, and in grey matter (about 1.4, 0.4 and 0.8e-3 mm²/s)."""


def phantom(
    *, shape: int = 36, spacing_mm: float = 1.5, radius_mm: float = 8.0, anisotropic: bool = True, turned_deg: float | None = None
) -> Body:
    """A cube of brain about a ball of target; fibres for x > 2 mm, a ventricle at x about -17 mm; tips A, B, C 5 mm apart along x.

    Fibres along y as a diagonal; or `turned_deg` from y towards z, as a tensor.
    """
    axis = (np.arange(shape) - (shape - 1) / 2) * spacing_mm
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    affine_mm = np.diag([spacing_mm] * 3 + [1.0])
    affine_mm[:3, 3] = axis[0]
    brain = np.ones(x.shape, dtype=bool)
    target = np.sqrt(x**2 + y**2 + z**2) <= radius_mm
    fluid = ((np.hypot(x + 17.0, z) <= 4.0) & (np.abs(y) < 12.0)) | surface(np.pad(brain, 1))[1:-1, 1:-1, 1:-1]
    white = (x > 2.0) & anisotropic
    ease = np.stack([np.where(white, ACROSS, GREY), np.where(white, FIBRES, GREY), np.where(white, ACROSS, GREY)])
    if turned_deg is not None:
        ease = _turned(ease, np.deg2rad(turned_deg))
    back = np.array([0.0, 0.0, 1.0])
    tips = tuple(Needle(name, np.array([step, 0.0, 0.0]), back) for name, step in (("A", 0.0), ("B", 5.0), ("C", -5.0)))
    grid = Image(np.zeros(x.shape, dtype=np.float32), affine_mm)
    return Body(grid, brain, fluid, target & ~fluid, np.zeros_like(brain), ease.astype(np.float32), tips)


def _turned(ease: Float[Array, "three x y z"], angle: float) -> Float[Array, "six x y z"]:
    """xx, xy, xz, yy, yz, zz after a turn about x."""
    c, s, none = np.cos(angle), np.sin(angle), np.zeros_like(ease[0])
    along, across = ease[1], ease[2]
    return np.stack([ease[0], none, none, c * c * along + s * s * across, c * s * (along - across), s * s * along + c * c * across])
