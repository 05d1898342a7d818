"""The voxels that are computed: a mask with its spacing, as contiguous runs along the last axis."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from gemel.core.errors import GeometryError, RangeError, StructureError
from gemel.core.image import Array
from gemel.core.number import numbers

WHERE = "pde"
FINEST_MM = 1e-9  # of an edge: beyond, its square is lost


@dataclass(frozen=True)
class Domain:
    """A mask with one voxel of nothing on each side, its axes put in `order`: the longest last, the shortest in the middle.

    `runs`: rows (x, y, z₀, z₁) of the padded grid, half-open: voxels outside the mask are never visited.
    """

    inside: Bool[Array, "x y z"]
    spacing_mm: Float[Array, "3"]
    runs: Int[Array, "runs 4"]
    order: tuple[int, int, int]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the grid as it was given."""
        found = [0, 0, 0]
        for axis, n in zip(self.order, self.inside.shape):
            found[axis] = n - 2
        return tuple(found)

    def enter(self, field: Shaped[Array, "..."]) -> Shaped[Array, "..."]:
        """A field (any leading axes) as the kernels read it: axes in order, padded, nothing outside the mask."""
        lead = field.ndim - 3
        turned = np.transpose(field, (*range(lead), *(lead + axis for axis in self.order)))
        found = np.zeros((*turned.shape[:lead], *self.inside.shape), dtype=field.dtype)
        np.copyto(found[..., 1:-1, 1:-1, 1:-1], turned, where=self.inside[1:-1, 1:-1, 1:-1])
        return found

    def leave(self, field: Shaped[Array, "..."]) -> Shaped[Array, "..."]:
        """The way back of `enter`."""
        lead = field.ndim - 3
        back = np.argsort(self.order)
        return np.ascontiguousarray(np.transpose(field[..., 1:-1, 1:-1, 1:-1], (*range(lead), *(lead + axis for axis in back))))


def domain(mask: Shaped[Array, "..."], spacing_mm: Shaped[Array, "..."] | tuple[float, ...] | list[float] | float) -> Domain:
    """Checks a mask (x, y, z; two-dimensional problems are one slice thick) and its spacing (one edge, or three).

    Raises GeometryError for another shape or a spacing not over zero, StructureError for an empty mask, RangeError for one with NaN.
    """
    found = _array(mask)
    edges = numbers(spacing_mm, "spacing_mm")
    if found.ndim != 3:
        raise GeometryError(f"a mask of {found.ndim} dimensions", where=WHERE, remedy="pass (x, y, z); a plane is one slice thick")
    if edges.size not in (1, 3) or not np.isfinite(edges).all() or (edges < FINEST_MM).any():
        raise GeometryError(f"a spacing of {spacing_mm!r} mm", where=WHERE, remedy="give the edges along x, y, z, each over zero")
    if found.dtype != bool and not np.isin(found, (0, 1)).all():
        raise RangeError("a mask with values other than 0 and 1", where=WHERE, remedy="threshold it first: mask = map > level")
    if not found.any():
        raise StructureError("an empty mask", where=WHERE, remedy="check the structure's name and that it lies on this grid")
    return _padded(found.astype(bool), np.ascontiguousarray(np.broadcast_to(edges.ravel(), 3)))


def _array(mask: object) -> Shaped[Array, "..."]:
    try:
        return np.asarray(mask)
    except ValueError:
        raise GeometryError("a mask of rows of unequal length", where=WHERE, remedy="pass an array (x, y, z)") from None


def _padded(mask: Bool[Array, "x y z"], spacing_mm: Float[Array, "3"]) -> Domain:
    last = max(range(3), key=lambda axis: (mask.shape[axis], axis))
    middle = min((axis for axis in range(3) if axis != last), key=lambda axis: (mask.shape[axis], -axis))
    order = [3 - last - middle, middle, last]
    inside = np.pad(np.transpose(mask, order), 1)
    return Domain(inside, spacing_mm[order], runs(inside), (order[0], order[1], order[2]))


def runs(inside: Bool[Array, "x y z"]) -> Int[Array, "runs 4"]:
    """Every maximal stretch of true voxels along the last axis, in order; nothing may be true on the border."""
    change = np.diff(inside.astype(np.int8), axis=2)
    start, stop = np.argwhere(change == 1), np.argwhere(change == -1)
    return np.ascontiguousarray(np.column_stack([start[:, :2], start[:, 2] + 1, stop[:, 2] + 1]).astype(np.int64))
