"""An outline as a start, without a reader or a trained network: to be looked at and corrected, never used as it is.

What takes up contrast most is the brightest class within the breast; of it the largest connected piece is kept, holes filled.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool
from scipy.ndimage import binary_fill_holes

from gemel.core.diffusion import DiffusionVisit
from gemel.core.errors import GeometryError
from gemel.core.image import Array, Image, require_same_grid
from gemel.core.structures import Structures
from gemel.core.visit import Segmented
from gemel.engines.pieces import brightest
from gemel.systems.breast.names import canonical


def segmented(uptake: Image, breast: Bool[Array, "x y z"], *, acquired_s: float, source: str) -> Segmented:
    """The tumour on a map of contrast taken up (area under the curve, or after minus before).

    Raises GeometryError for two grids, StructureError where nothing stands out.
    """
    if breast.shape != uptake.shape:
        raise GeometryError(f"a breast mask of {breast.shape} on {uptake.shape}", where="segmentation", remedy="give both on one grid")
    found = binary_fill_holes(brightest(uptake.array, breast, uptake.voxel_mL, "contrast")) & breast
    grid = Image(np.zeros(uptake.shape, dtype=np.uint8), uptake.affine_mm, uptake.frame)
    return Segmented(Structures(grid, {"tumour": np.asarray(found)}), acquired_s, source)


def outlined_by(visit: DiffusionVisit, outline: Segmented) -> DiffusionVisit:
    """The visit with another outline: of the built-in start, of a command, or of a network; regions by any name of a tumour.

    Raises StructureError for regions of other names, GeometryError for another grid, and what a visit refuses.
    """
    require_same_grid(visit.adc_mm2_s, outline.structures.grid, f"outline {outline.source[:64]}")
    masks = [mask for name, mask in outline.structures.masks.items() if canonical(name) == "tumour"]
    return replace(visit, tumour=np.asarray(np.logical_or.reduce([np.zeros(visit.adc_mm2_s.shape, bool), *masks])))
