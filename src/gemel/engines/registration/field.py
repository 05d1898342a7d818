"""A displacement of space on a grid, in the pull convention: warped(x) = image(x + u(x))."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from gemel.core.errors import GeometryError
from gemel.core.image import Array, Image


@dataclass(frozen=True)
class DisplacementField:
    """Vectors u (LPS mm) at the nodes of a grid that may be coarser than the images; linear between nodes, nearest node outside.

    The same type holds stationary velocities; `warp.exponential` makes a displacement of them.
    Raises GeometryError when the array is not (x, y, z, 3), not finite, or the affine cannot be inverted.
    """

    vectors_mm: Float32[Array, "x y z 3"]
    affine_mm: Float[Array, "4 4"]

    def __post_init__(self) -> None:
        vectors = np.asarray(self.vectors_mm)
        if vectors.ndim != 4 or vectors.shape[-1] != 3:
            raise GeometryError(f"vectors of shape {vectors.shape}", where="DisplacementField", remedy="pass them as (x, y, z, 3) in mm")
        if not np.isfinite(vectors).all():
            raise GeometryError("vectors that are not finite", where="DisplacementField", remedy="replace missing vectors first")
        affine = np.asarray(self.affine_mm, dtype=np.float64)
        if affine.shape != (4, 4) or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise GeometryError("an affine that cannot be inverted", where="DisplacementField", remedy="pass the 4 x 4 index-to-LPS matrix")
        object.__setattr__(self, "vectors_mm", np.ascontiguousarray(vectors, dtype=np.float32))
        object.__setattr__(self, "affine_mm", affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of nodes along x, y, z."""
        nx, ny, nz, _ = self.vectors_mm.shape
        return nx, ny, nz


def coarse_grid(image: Image, every: int) -> tuple[tuple[int, int, int], Float[Array, "4 4"]]:
    """Shape and affine of a grid with a node at every n-th voxel of the image, long enough to cover the last voxel."""
    nx, ny, nz = (1 + -(-(n - 1) // every) for n in image.shape)
    return (nx, ny, nz), image.affine_mm @ np.diag([every, every, every, 1.0])


def zero_field(image: Image, every: int = 1) -> DisplacementField:
    """No motion, on a grid with a node at every n-th voxel of the image."""
    shape, affine_mm = coarse_grid(image, every)
    return DisplacementField(np.zeros((*shape, 3), np.float32), affine_mm)


def combine(fields: Sequence[DisplacementField], weights: Float[Array, "n"]) -> DisplacementField:
    """Weighted sum of velocity fields of one grid."""
    first = fields[0]
    if any(f.shape != first.shape or not np.allclose(f.affine_mm, first.affine_mm, atol=1e-3) for f in fields):
        raise GeometryError("velocity fields on different grids", where="combine", remedy="sample all fields on one grid")
    total = np.zeros_like(first.vectors_mm)
    for field, weight in zip(fields, weights, strict=True):
        total += np.float32(weight) * field.vectors_mm
    return DisplacementField(total, first.affine_mm)
