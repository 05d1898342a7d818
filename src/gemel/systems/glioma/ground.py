"""Where the field member lives: tissue around the tumour on a grid that fronts can be told on, the field at the first visit, the dose."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gemel.core.errors import GeometryError, InputError, RangeError, StructureError
from gemel.core.image import Array, Image, require_same_grid, voxel_index, with_array, world_mm
from gemel.core.structures import Structures
from gemel.core.visit import Segmented
from gemel.systems.glioma.fibres import require_frame, tensor_on
from gemel.systems.glioma.field_start import field_from
from gemel.systems.glioma.names import ENHANCING, FLAIR, GREY, WHITE, volumes
from gemel.systems.glioma.tissue import Tissue, cropped, tissue

AROUND_mm, VOXEL_mm = 30.0, 2.0
"""Kept around what is abnormal; voxels are joined up to about this size."""


@dataclass(frozen=True)
class Ground:
    """Shares of tissue and the field at the first visit on one grid; dose of a fraction over that in the tumour (empty: uniform).

    `tensor`: DTI's over its mean diffusivity, xx, xy, xz, yy, yz, zz along LPS (empty: none was given).
    """

    grid: Image
    white: Float[Array, "x y z"]
    grey: Float[Array, "x y z"]
    start: Float[Array, "x y z"]
    dose_1: Float[Array, "..."]
    tensor: Float[Array, "..."] = field(default_factory=lambda: np.zeros(0, np.float32))

    @property
    def tissue(self) -> Tissue:
        """As the functions of the field take it."""
        return Tissue(self.grid, self.white, self.grey)


def ground(visit: Segmented, dose: Image | None, white: Image | None, grey: Image | None, dti: Mapping[str, Image] | None = None) -> Ground:
    """From the first visit, with maps of tissue or its labels `white` and `grey`; unlabelled tumour is taken for white matter.

    Raises InputError without tissue, StructureError without T2/FLAIR or for a dose or tensor that does not cover the brain around it.
    """
    held, outlined = visit.structures, volumes(visit.structures)
    if FLAIR not in outlined:
        raise StructureError("no oedema or FLAIR", where="segmentation", remedy="outline it: the field's outer edge is not guessed")
    shares = (white, grey) if white is not None and grey is not None else _labelled(held, outlined[FLAIR])
    for image in shares:
        require_same_grid(image, held.grid, "tissue maps")
    part_of, part = cropped(tissue(*shares), outlined[FLAIR], AROUND_mm)
    joined = tuple(max(1, int(VOXEL_mm / h)) for h in part_of.grid.spacing_mm)
    grid = _joined_grid(part_of.grid, joined)
    of = Tissue(grid, _means(part_of.white, joined), _means(part_of.grey, joined))
    inner, outer = (_means(outlined[name][part].astype(np.float32), joined) >= 0.5 for name in (ENHANCING, FLAIR))
    start = field_from(of, inner, outer | inner)
    nothing = np.zeros(0, np.float32)
    return Ground(grid, of.white, of.grey, start, _relative(of, dose, inner) if dose else nothing, _tensor(of, dti) if dti else nothing)


def _tensor(of: Tissue, dti: Mapping[str, Image]) -> Float[Array, "x y z 6"]:
    require_frame(dti, of.grid)
    return tensor_on(dti, _nearest(of.grid, dti["xx"]), of.mask)


def laid(on: Ground, structures: Structures) -> Mapping[str, Bool[Array, "x y z"]]:
    """Volumes of a visit on the ground's grid, of the nearest voxel. Raises GeometryError for another frame or one that lies elsewhere."""
    if structures.grid.frame and on.grid.frame and structures.grid.frame != on.grid.frame:
        raise GeometryError(
            f"a visit of frame {structures.grid.frame}", where=on.grid.frame, remedy="register the visit to the first one before"
        )
    at, inside = _nearest(on.grid, structures.grid)
    found = {}
    for name, mask in volumes(structures).items():
        values = np.zeros(len(at), dtype=bool)
        values[inside] = mask[tuple(at[inside].T)]
        found[name] = values.reshape(on.grid.shape)
    if not any(mask.any() for mask in found.values()):
        raise GeometryError("a visit that lies elsewhere", where="segmentation", remedy="register the visit to the first one before")
    return found


def _labelled(held: Structures, abnormal: Bool[Array, "x y z"]) -> tuple[Image, Image]:
    if WHITE not in held.masks or GREY not in held.masks:
        remedy = "give maps with --white and --grey, or label white and grey matter in the first segmentation"
        raise InputError("no white and grey matter", where="member=field", remedy=remedy)
    grey = held[GREY] & ~held[WHITE]
    white = held[WHITE] | (abnormal & ~grey)
    return with_array(held.grid, white.astype(np.float32)), with_array(held.grid, grey.astype(np.float32))


def _means(values: Float[Array, "x y z"], joined: tuple[int, ...]) -> Float[Array, "u v w"]:
    """Of blocks; voxels beyond the last whole one are left out."""
    (a, b, c), (u, v, w) = joined, tuple(n // k for n, k in zip(values.shape, joined))
    blocks = values[: u * a, : v * b, : w * c].reshape(u, a, v, b, w, c)
    return np.asarray(blocks.mean(axis=(1, 3, 5)), dtype=np.float32)


def _joined_grid(of: Image, joined: tuple[int, ...]) -> Image:
    affine_mm = of.affine_mm.copy()
    affine_mm[:3, 3] += affine_mm[:3, :3] @ ((np.array(joined) - 1) / 2)
    affine_mm[:3, :3] = affine_mm[:3, :3] * np.array(joined)
    shape = tuple(n // k for n, k in zip(of.shape, joined))
    return Image(np.zeros(shape, dtype=np.uint8), affine_mm, of.frame)


def _nearest(grid: Image, of: Image) -> tuple[Shaped[Array, "n 3"], Bool[Array, "n"]]:
    """For every voxel of a grid the nearest of another, and whether there is one."""
    index = np.indices(grid.shape).reshape(3, -1).T.astype(np.float64)
    at = np.rint(voxel_index(of, world_mm(grid, index))).astype(int)
    return at, np.asarray(((at >= 0) & (at < of.shape)).all(axis=1))


def _relative(of: Tissue, dose: Image, inner: Bool[Array, "x y z"]) -> Float[Array, "x y z"]:
    if dose.frame and of.grid.frame and dose.frame != of.grid.frame:
        raise GeometryError(f"a dose of frame {dose.frame}", where=of.grid.frame, remedy="register the MRI to the planning CT first")
    at, inside = _nearest(of.grid, dose)
    if not inside.reshape(of.grid.shape)[of.mask].all():
        remedy = "export it on a larger grid"
        raise StructureError("a dose grid that does not cover the brain around the tumour", where="dose", remedy=remedy)
    values = np.zeros(len(at), dtype=np.float32)
    values[inside] = dose.array[tuple(at[inside].T)]
    Gy = values.reshape(of.grid.shape)
    if not np.isfinite(Gy).all() or Gy.min() < 0 or not Gy[inner].mean() > 0:
        raise RangeError("a dose that is negative, not finite or zero in the tumour", where="dose", remedy="check plan and frame")
    return np.asarray(Gy / Gy[inner].mean(), dtype=np.float32)
