"""A deformation between two frames of reference, as DICOM states it: matrices before and after, and offsets on a grid. PS3.3 C.20.3."""

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from jaxtyping import Float, Float32

from gemel.core.errors import GeometryError
from gemel.core.image import Array
from gemel.io.registration import AFFINE, RIGID, require_matrix


@dataclass(frozen=True)
class Deformed:
    """x_source = M_post (M_pre x_frame + Δ(x_frame)), LPS mm (PS3.3 C.20.3.1.1): where a point of `frame` is found in `source_frame`.

    `offsets_mm` Δ at the nodes of a grid that lies in `frame`; `affine_mm` takes its index (i, j, k) to LPS. This is the pull of images:
    registered(x) = source(x_source). Raises GeometryError for what is not finite, a grid whose axes are not at right angles.
    """

    offsets_mm: Float32[Array, "x y z 3"]
    affine_mm: Float[Array, "4 4"]
    source_frame: str
    frame: str
    pre_mm: Float[Array, "4 4"] = field(default_factory=lambda: np.eye(4))
    post_mm: Float[Array, "4 4"] = field(default_factory=lambda: np.eye(4))
    kinds: tuple[str, str] = (RIGID, RIGID)

    def __post_init__(self) -> None:
        axes = np.asarray(self.affine_mm, dtype=np.float64)[:3, :3]
        lengths = np.linalg.norm(axes, axis=0)
        turned = (lengths > 0).all() and np.allclose(
            (axes / np.maximum(lengths, 1e-12)).T @ (axes / np.maximum(lengths, 1e-12)), np.eye(3), atol=1e-5
        )
        if not (np.isfinite(self.offsets_mm).all() and np.isfinite(self.affine_mm).all() and turned and np.linalg.det(axes) > 0):
            remedy = "give finite offsets on a right-handed grid whose axes are at right angles"
            raise GeometryError("a deformation grid that DICOM cannot hold", where="Deformed", remedy=remedy)
        for matrix, kind in zip((self.pre_mm, self.post_mm), self.kinds, strict=True):
            require_matrix(np.asarray(matrix, dtype=np.float64), kind, "Deformed")
        object.__setattr__(self, "offsets_mm", np.ascontiguousarray(self.offsets_mm, dtype=np.float32))


def source_points_mm(found: Deformed, points_mm: Float[Array, "n 3"]) -> Float[Array, "n 3"]:
    """Where points of the registered frame are found in the source's; Δ linear between nodes, that of the nearest node outside."""
    inverse = np.linalg.inv(found.affine_mm)
    index = np.asarray(points_mm, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3]
    moved = points_mm @ found.pre_mm[:3, :3].T + found.pre_mm[:3, 3] + _between(found.offsets_mm, index)
    return np.asarray(moved @ found.post_mm[:3, :3].T + found.post_mm[:3, 3])


def _between(offsets_mm: Float32[Array, "x y z 3"], index: Float[Array, "n 3"]) -> Float[Array, "n 3"]:
    """Trilinear weights over the eight nodes around each point."""
    last = np.array(offsets_mm.shape[:3]) - 1
    held = np.clip(index, 0, last)
    low = np.minimum(held.astype(int), np.maximum(last - 1, 0))
    share = held - low
    total = np.zeros((len(index), 3))
    for corner in product((0, 1), repeat=3):
        node = np.minimum(low + corner, last)
        weight = np.prod(np.where(corner, share, 1 - share), axis=1)
        total += weight[:, None] * offsets_mm[tuple(node.T)]
    return total


def kind_of(matrix: Float[Array, "4 4"]) -> str:
    """RIGID where it is a rotation, else AFFINE."""
    gram = matrix[:3, :3].T @ matrix[:3, :3]
    return RIGID if np.allclose(gram, np.eye(3), atol=1e-6) and np.linalg.det(matrix[:3, :3]) > 0 else AFFINE
