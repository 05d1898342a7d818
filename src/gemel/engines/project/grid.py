"""The voxels that rays cross: where a box of voxels lies about the axis of rotation."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError
from gemel.core.image import Array, Image, is_axis_aligned, world_mm
from gemel.core.number import numbers


@dataclass(frozen=True)
class Grid:
    """Box of voxels along x, y, z; `centre_mm` is the place of its centre from the isocentre. z is the axis of rotation.

    Raises GeometryError for a box without voxels or a spacing that is not above 0.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        counts = numbers(self.shape, "shape")
        if counts.shape != (3,) or not (np.isfinite(counts).all() and (counts >= 1).all() and (counts == np.floor(counts)).all()):
            raise GeometryError(f"a box of {self.shape} voxels", where="Grid", remedy="give three whole numbers of voxels above 0")
        spacing, centre = numbers(self.spacing_mm, "spacing_mm"), numbers(self.centre_mm, "centre_mm")
        if spacing.shape != (3,) or centre.shape != (3,) or not np.isfinite([*spacing, *centre]).all() or min(spacing) <= 0:
            found = f"voxels of {self.spacing_mm} mm centred at {self.centre_mm} mm"
            raise GeometryError(found, where="Grid", remedy="give three finite spacings above 0 and a finite centre")
        object.__setattr__(self, "shape", tuple(int(n) for n in counts))
        object.__setattr__(self, "spacing_mm", tuple(float(s) for s in spacing))
        object.__setattr__(self, "centre_mm", tuple(float(c) for c in centre))

    @property
    def first_mm(self) -> Float[Array, "3"]:
        """Centre of voxel (0, 0, 0) from the isocentre."""
        return np.asarray(self.centre_mm) - 0.5 * (np.asarray(self.shape) - 1) * np.asarray(self.spacing_mm)

    @property
    def corners_mm(self) -> Float[Array, "8 3"]:
        """The eight corners of the box."""
        signs = np.stack(np.meshgrid(*[(-0.5, 0.5)] * 3, indexing="ij"), axis=-1).reshape(8, 3)
        return np.asarray(self.centre_mm) + signs * np.asarray(self.shape) * np.asarray(self.spacing_mm)

    @property
    def radius_mm(self) -> float:
        """Largest distance of a corner from the axis of rotation."""
        return float(np.hypot(self.corners_mm[:, 0], self.corners_mm[:, 1]).max())


def grid_of(image: Image, isocentre_mm: Float[Array, "3"]) -> Grid:
    """The box of an image seen from an isocentre in its own frame. Raises GeometryError for an image turned against x, y, z."""
    if not is_axis_aligned(image):
        raise GeometryError("an image whose axes are not along x, y, z", where="grid_of", remedy="resample it onto an axis-aligned grid")
    middle = world_mm(image, 0.5 * (np.asarray([image.shape]) - 1.0))[0] - np.asarray(isocentre_mm)
    x, y, z = (float(c) for c in middle)
    dx, dy, dz = (float(s) for s in image.spacing_mm)
    return Grid(image.shape, (dx, dy, dz), (x, y, z))
