"""Diffusion by a tensor field: links between voxels, near and far, with conductances that are never under zero."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.pde.domain import WHERE, Domain
from gemel.engines.pde.faces import Diffusivity
from gemel.engines.pde.tensors.selling import decomposed

ROWS, COLUMNS = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 2, 1, 2, 2])


@dataclass(frozen=True)
class Links:
    """Conductances from each voxel to the one `offsets` further on in the flat padded grid, 0 where one of the two is not in the mask.

    `margin` voxels of nothing before and behind, so that no offset leaves the array; `used`: planes that a link of a direction touches;
    `steps`: the same offsets along the axes.
    """

    weights: Shaped[Array, "directions voxels"]
    offsets: Int[Array, "directions"]
    used: Shaped[Array, "directions x"]
    margin: int
    steps: Int[Array, "directions 3"]

    def largest_loss(self) -> float:
        """max over voxels of the sum of all conductances."""
        total = np.zeros(self.weights.shape[1])
        for weight, offset in zip(self.weights, self.offsets):
            total += weight
            total += np.roll(weight, offset)
        return float(total.max())

    def spread_out(self, field: Shaped[Array, "x y z"]) -> Shaped[Array, "voxels"]:
        """A field with the margins."""
        return np.pad(field.ravel(), self.margin)


def is_tensor(diffusivity: Diffusivity, on: Domain) -> bool:
    """(3, 3), (x, y, z, 6) or (x, y, z, 3, 3)."""
    shape = np.shape(diffusivity)
    return shape == (3, 3) or shape == (*on.shape, 3, 3) or shape == (*on.shape, 6)


def links(diffusivity: Diffusivity, on: Domain, dtype: Any) -> Links:
    """∇·(D ∇u) = Σ over directions of D/h² = Σ λ e eᵀ, the conductance of a link the mean of λ at its ends.

    Conservative, of second order for smooth D, and monotone: no off-diagonal breaks the maximum principle, which central differences do
    (Weickert 1998, Anisotropic diffusion in image processing, 3.4). At a jump of D the mean is arithmetic, not harmonic as `faces`.
    Six components are xx, xy, xz, yy, yz, zz. Raises RangeError for tensors that are not symmetric, not finite or not positive.
    """
    inside = on.inside.ravel()
    weights, offsets = decomposed(_components(diffusivity, on)[inside])
    offsets[weights == 0] = (0, 0, 1)
    index, offsets = _named(offsets)
    flat = offsets @ np.array([on.inside.shape[1] * on.inside.shape[2], on.inside.shape[2], 1])
    margin = int(np.abs(flat).max())
    found = np.zeros((len(flat), inside.size + 2 * margin), dtype=dtype)
    np.add.at(found, (index.ravel(), np.repeat(np.flatnonzero(inside) + margin, 6)), weights.ravel().astype(dtype))
    return _linked(found, offsets, (flat, margin), on)


def _named(offsets: Int[Array, "n 6 3"]) -> tuple[Int[Array, "n 6"], Int[Array, "directions 3"]]:
    """The number of the direction of each, e and −e the same, and the directions."""
    reach = int(np.abs(offsets).max())
    side = 2 * reach + 1
    half = (side**3 - 1) // 2  # the code of no offset; those of e and −e lie as far from it
    codes = np.abs(offsets @ np.array([side**2, side, 1]))
    present = np.flatnonzero(np.bincount(codes.ravel()))
    number = np.zeros(half + 1, dtype=np.int64)
    number[present] = np.arange(len(present))
    whole = present + half
    directions = np.column_stack([whole // side**2, whole // side % side, whole % side]) - reach
    return number[codes], directions


def _linked(found: Shaped[Array, "directions voxels"], offsets: Array, where: tuple[Array, int], on: Domain) -> Links:
    flat, margin = where
    there = np.pad(on.inside.ravel(), margin)
    for weight, offset in zip(found, flat):
        both = there & np.roll(there, -offset)
        weight[:] = np.where(both, (weight + np.roll(weight, -offset)) * weight.dtype.type(0.5), 0)
    kept = (flat != 0) & found.any(axis=1)
    kept[0] |= not kept.any()  # nothing moves: one direction without weight
    inner = found[kept][:, margin : found.shape[1] - margin] if margin else found[kept]
    used = inner.reshape(len(inner), len(on.inside), -1).any(axis=2)
    for one, e in zip(used, offsets[kept]):
        one |= np.roll(one, int(e[0]))  # links are read from both ends
    return Links(np.ascontiguousarray(found[kept]), flat[kept].astype(np.int64), used, margin, offsets[kept].astype(np.int64))


def _components(diffusivity: Diffusivity, on: Domain) -> Float[Array, "voxels 6"]:
    """Of D/(hᵢ hⱼ) in the order of the kernels' axes."""
    given = np.asarray(diffusivity, dtype=np.float64)
    if given.shape[-1] == 6:
        whole = np.zeros((*on.shape, 3, 3))
        whole[..., ROWS, COLUMNS] = given
        whole[..., COLUMNS, ROWS] = given
    else:
        whole = np.broadcast_to(given, (*on.shape, 3, 3))
    if whole.shape[:3] != on.shape:
        raise GeometryError(f"tensors of shape {given.shape} on {on.shape}", where=WHERE, remedy="give both on one grid")
    turned = whole[..., on.order, :][..., on.order] / np.outer(on.spacing_mm, on.spacing_mm)
    if not np.allclose(turned, np.swapaxes(turned, -1, -2), rtol=1e-6, atol=0, equal_nan=True):
        raise RangeError("a tensor that is not symmetric", where=WHERE, remedy="give xx, xy, xz, yy, yz, zz")
    parts = np.stack([on.enter(turned[..., i, j]) for i, j in zip(ROWS, COLUMNS)], axis=-1).reshape(-1, 6)
    if not np.isfinite(parts).all():
        raise RangeError("a tensor that is not finite in the mask", where=WHERE, remedy="give finite numbers in every voxel of the mask")
    return parts
