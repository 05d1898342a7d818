"""Parts of a tumour that are looked at apart: compact groups of voxels about as large as each other."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.distance import cdist

from gemel.core.image import Array

ROUNDS = 20


def regions(mask: Bool[Array, "x y z"], tumour: Bool[Array, "x y z"], spacing_mm: Float[Array, "3"], count: int) -> Int[Array, "n"]:
    """The part, 0 to count − 1, of each voxel of the mask: nearest of the centres that Lloyd's algorithm finds within the tumour.

    Lloyd 1982, IEEE Trans Inf Theory 28:129, begun with points farthest apart (Gonzalez 1985, Theor Comput Sci 38:293): no chance in it.
    """
    points = np.argwhere(tumour) * spacing_mm
    centres = _far_apart(points, min(count, len(points)))
    for _ in range(ROUNDS):
        label = cdist(points, centres).argmin(axis=1)
        moved = np.array([points[label == i].mean(axis=0) for i in range(len(centres))])
        if np.allclose(moved, centres):
            break
        centres = moved
    return cdist(np.argwhere(mask) * spacing_mm, centres).argmin(axis=1).astype(np.int64)


def _far_apart(points: Float[Array, "n 3"], count: int) -> Float[Array, "count 3"]:
    """The point nearest to the middle, then each time the one farthest from all chosen."""
    chosen = [int(np.linalg.norm(points - points.mean(axis=0), axis=1).argmin())]
    while len(chosen) < count:
        chosen.append(int(cdist(points, points[chosen]).min(axis=1).argmax()))
    return points[chosen]
