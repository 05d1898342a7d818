"""Outlines as a start, without a reader or a trained network: to be looked at and corrected, never used as they are.

What enhances is the brightest class of the rise from T1 to T1 after contrast, what is abnormal the brightest of T2/FLAIR; of each the
largest connected piece is kept once single voxels are cleared away, and holes in what enhances are necrosis.
"""

import numpy as np
from jaxtyping import Bool
from scipy.ndimage import binary_fill_holes

from gemel.core.errors import GeometryError
from gemel.core.image import Array, Image, require_same_grid
from gemel.core.structures import Structures
from gemel.core.visit import Segmented
from gemel.engines.pieces import brightest
from gemel.systems.glioma.names import ENHANCING, FLAIR, NECROSIS


def segmented(rise: Image, flair: Image, brain: Bool[Array, "x y z"], *, acquired_s: float, source: str) -> Segmented:
    """Enhancing tumour, necrosis within it, and everything abnormal, from T1Gd − T1 and T2/FLAIR on one grid.

    Raises GeometryError for two grids, StructureError where no piece of 0.3 mL stands out by two standard deviations of the rest.
    """
    require_same_grid(rise, flair, "segmentation")
    if brain.shape != rise.shape:
        raise GeometryError(f"a brain mask of {brain.shape} on {rise.shape}", where="segmentation", remedy="give all on one grid")
    bright = brightest(rise.array, brain, rise.voxel_mL, "T1Gd - T1")
    abnormal = brightest(flair.array, brain, rise.voxel_mL, "FLAIR")
    whole = binary_fill_holes(bright)
    masks = {ENHANCING: bright, FLAIR: abnormal | whole} | ({NECROSIS: whole & ~bright} if (whole & ~bright).any() else {})
    grid = Image(np.zeros(rise.shape, dtype=np.uint8), rise.affine_mm, rise.frame)
    return Segmented(Structures(grid, masks), acquired_s, source)
