"""White and grey matter: where cells can be, and how easily they move. Swanson et al. 2000, Cell Prolif 33:317."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array, Image, require_same_grid

LEAST = 0.1
"""Share of white and grey matter together below which a voxel is fluid or outside."""


@dataclass(frozen=True)
class Tissue:
    """Shares of white and grey matter on one grid (0 to 1)."""

    grid: Image
    white: Float[Array, "x y z"]
    grey: Float[Array, "x y z"]

    @property
    def mask(self) -> Bool[Array, "x y z"]:
        """Where cells can be."""
        return np.asarray(self.white + self.grey >= LEAST)

    @property
    def voxel_mL(self) -> float:
        """Volume of one voxel."""
        return self.grid.voxel_mL


def tissue(white: Image, grey: Image) -> Tissue:
    """Maps of white and grey matter as shares. Raises RangeError for values that are no shares, GeometryError for two grids or no brain."""
    require_same_grid(white, grey, "tissue maps")
    for name, image in (("white", white), ("grey", grey)):
        if not np.isfinite(image.array).all() or image.array.min() < 0 or image.array.max() > 1 + 1e-6:
            raise RangeError(
                f"a map of {name} matter that is negative, above 1 or not finite", where=name, remedy="give shares from 0 to 1"
            )
    found = Tissue(white, white.array.astype(np.float32), grey.array.astype(np.float32))
    if not found.mask.any():
        raise GeometryError("no brain in the tissue maps", where="tissue maps", remedy="check that they are shares and not labels")
    return found


def cropped(of: Tissue, around: Bool[Array, "x y z"], margin_mm: float) -> tuple[Tissue, tuple[slice, slice, slice]]:
    """The tissue around a region, and which part of the whole it is."""
    places = np.argwhere(around)
    if len(places) == 0:
        raise GeometryError("nothing to crop around", where="tissue maps", remedy="give a region that is not empty")
    margin = np.ceil(margin_mm / of.grid.spacing_mm).astype(int)
    low = np.maximum(places.min(axis=0) - margin, 0)
    high = np.minimum(places.max(axis=0) + margin + 1, of.grid.shape)
    part = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    affine_mm = of.grid.affine_mm.copy()
    affine_mm[:3, 3] += affine_mm[:3, :3] @ low
    grid = Image(of.grid.array[part], affine_mm, of.grid.frame)
    return Tissue(grid, of.white[part], of.grey[part]), part
