"""The largest connected piece of the brightest class of an image: a start for outlines, to be looked at and corrected."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import binary_opening, label

from gemel.core.errors import StructureError
from gemel.core.image import Array
from gemel.engines.k_means import k_means

CLASSES, LEAST_mL, CLEAR_SD = 3, 0.3, 2.0


def brightest(values: Float[Array, "x y z"], mask: Bool[Array, "x y z"], voxel_mL: float, where: str) -> Bool[Array, "x y z"]:
    """Voxels of the largest piece of the brightest of three classes, single voxels cleared away.

    Raises StructureError where it is under LEAST_mL, or does not stand out by CLEAR_SD standard deviations of the other classes.
    """
    labels, _ = k_means(values[None].astype(np.float64), mask, CLASSES)
    pieces, count = label(binary_opening(labels == CLASSES))
    sizes = np.bincount(pieces.ravel())[1:]
    found = np.asarray(pieces == int(np.argmax(sizes)) + 1) if count else np.zeros(mask.shape, dtype=bool)
    rest = values[mask & (labels < CLASSES)]
    clear = count > 0 and float(values[found].mean() - rest.mean()) > CLEAR_SD * float(rest.std())
    if not clear or found.sum() * voxel_mL < LEAST_mL:
        raise StructureError("nothing that stands out", where=where, remedy="outline it by hand, or give a result of another program")
    return found
