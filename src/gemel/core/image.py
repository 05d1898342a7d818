"""A voxel image with its place in the patient: array (x, y, z), affine to LPS millimetres, frame of reference."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Image:
    """Voxels in (x, y, z), C order; `affine_mm` maps a voxel index (i, j, k, 1) to the LPS position of the voxel's centre.

    `frame` is the DICOM FrameOfReferenceUID (PS3.3 C.7.4.1); images with different frames are never compared in silence.
    Raises GeometryError when the array is not 3-D or the affine is not an invertible affine with orthogonal axes.
    """

    array: Shaped[Array, "x y z"]
    affine_mm: Float[Array, "4 4"]
    frame: str = ""

    def __post_init__(self) -> None:
        if self.array.ndim != 3:
            raise GeometryError(f"an array of {self.array.ndim} dimensions", where="Image", remedy="pass one volume as (x, y, z)")
        affine = np.asarray(self.affine_mm, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or not np.allclose(affine[3], (0, 0, 0, 1)):
            raise GeometryError(f"an affine of shape {affine.shape} that is not affine", where="Image", remedy="pass a finite 4 x 4 matrix")
        axes = affine[:3, :3]
        lengths = np.linalg.norm(axes, axis=0)
        if (lengths <= 0).any() or not np.allclose((axes / lengths).T @ (axes / lengths), np.eye(3), atol=1e-4):
            raise GeometryError("voxel axes that are zero or not orthogonal", where="Image", remedy="undo shear and gantry tilt first")
        object.__setattr__(self, "array", np.ascontiguousarray(self.array))
        object.__setattr__(self, "affine_mm", affine)

    @property
    def spacing_mm(self) -> Float[Array, "3"]:
        """Voxel size along x, y, z."""
        return np.asarray(np.linalg.norm(self.affine_mm[:3, :3], axis=0))

    @property
    def origin_mm(self) -> Float[Array, "3"]:
        """LPS position of the centre of voxel (0, 0, 0)."""
        return np.array(self.affine_mm[:3, 3])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along x, y, z."""
        nx, ny, nz = self.array.shape
        return nx, ny, nz

    @property
    def voxel_mL(self) -> float:
        """Volume of one voxel."""
        return float(abs(np.linalg.det(self.affine_mm[:3, :3]))) / 1000.0


def with_array(image: Image, array: Shaped[Array, "x y z"]) -> Image:
    """The same grid holding other values."""
    if array.shape != image.array.shape:
        raise GeometryError(f"an array of shape {array.shape} for a grid of {image.shape}", where="with_array", remedy="resample it first")
    return replace(image, array=array)


def is_axis_aligned(image: Image) -> bool:
    """True when index axes run along +x, +y, +z of LPS, as the dose engines require."""
    axes = image.affine_mm[:3, :3]
    return bool(np.allclose(axes, np.diag(image.spacing_mm), atol=1e-4))


def world_mm(image: Image, index: Float[Array, "n 3"]) -> Float[Array, "n 3"]:
    """LPS positions of (fractional) voxel indices."""
    return np.asarray(index) @ image.affine_mm[:3, :3].T + image.affine_mm[:3, 3]


def voxel_index(image: Image, points_mm: Float[Array, "n 3"]) -> Float[Array, "n 3"]:
    """Fractional voxel indices of LPS positions; inverse of `world_mm`."""
    inverse = np.linalg.inv(image.affine_mm)
    return np.asarray(points_mm) @ inverse[:3, :3].T + inverse[:3, 3]


def same_grid(a: Image, b: Image) -> bool:
    """True when shape and affine agree to 1 µm-scale rounding."""
    return a.shape == b.shape and np.allclose(a.affine_mm, b.affine_mm, atol=1e-3)


def require_same_grid(a: Image, b: Image, where: str) -> None:
    """Raises GeometryError unless both images share one grid."""
    if not same_grid(a, b):
        raise GeometryError(f"two grids ({a.shape} and {b.shape}) where one is needed", where=where, remedy="resample one onto the other")
