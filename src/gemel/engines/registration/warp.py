"""Images and masks pulled through displacement fields, and the algebra of the fields themselves.

A field u stands for the map x -> x + u(x); warped(x) = image(x + u(x)).
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Float32

from gemel.core.errors import GeometryError
from gemel.core.image import Array, Image
from gemel.engines.registration.field import DisplacementField
from gemel.engines.registration.kernels import compose_kernel, pull_kernel


def pull(image: Image, field: DisplacementField, *, onto: Image | None = None, outside: float | None = None) -> Image:
    """The image seen through the map, image(x + u(x)), linear, on its own grid or on that of `onto`; `outside` None is the nearest edge."""
    return _sample(image, field, image if onto is None else onto, outside, nearest=False)


def resample(image: Image, onto: Image, *, outside: float | None, nearest: bool = False) -> Image:
    """The image on the grid of `onto` without motion, linear or nearest neighbour."""
    still = DisplacementField(np.zeros((1, 1, 1, 3), np.float32), np.eye(4))
    return _sample(image, still, onto, outside, nearest=nearest)


def pull_fraction(mask: Bool[Array, "x y z"], grid: Image, field: DisplacementField) -> Float32[Array, "x y z"]:
    """Part of each voxel that lies in the warped mask; its sum times the voxel's volume is a sub-voxel volume."""
    if mask.shape != grid.shape:
        found = f"a mask of shape {mask.shape} on a grid of {grid.shape}"
        raise GeometryError(found, where="pull_fraction", remedy="rasterise it on this grid")
    return pull(replace(grid, array=mask.astype(np.float32)), field, outside=0.0).array


def pull_mask(mask: Bool[Array, "x y z"], grid: Image, field: DisplacementField) -> Bool[Array, "x y z"]:
    """Voxels at least half of which lie in the warped mask."""
    return pull_fraction(mask, grid, field) >= 0.5


def compose(outer: DisplacementField, inner: DisplacementField) -> DisplacementField:
    """The map outer∘inner, u(x) = u_i(x) + u_o(x + u_i(x)), on the grid of `inner`: pull(pull(image, outer), inner) in one step."""
    out = np.empty_like(inner.vectors_mm)
    compose_kernel(outer.vectors_mm, inner.vectors_mm, inner.affine_mm[:3], np.linalg.inv(outer.affine_mm)[:3], out)
    return DisplacementField(out, inner.affine_mm)


def exponential(velocity: DisplacementField, squarings: int = 6) -> DisplacementField:
    """exp(v) by scaling and squaring: v/2^n composed with itself n times. Arsigny 2006, MICCAI LNCS 4190:924."""
    field = replace(velocity, vectors_mm=velocity.vectors_mm / np.float32(2**squarings))
    for _ in range(squarings):
        field = compose(field, field)
    return field


def invert(field: DisplacementField, iterations: int = 30) -> DisplacementField:
    """The field w with w(x) + u(x + w(x)) = 0, by damped fixed-point iteration from w = -u. Chen 2008, Med Phys 35:81.

    The damping of 0.6 converges where the eigenvalues of the map's Jacobian lie in (0, 3.3).
    """
    inverse = replace(field, vectors_mm=-field.vectors_mm)
    for _ in range(iterations):
        error = compose(field, inverse)
        inverse = replace(inverse, vectors_mm=inverse.vectors_mm - np.float32(0.6) * error.vectors_mm)
    return inverse


def jacobian(field: DisplacementField) -> Float32[Array, "x y z"]:
    """Determinant of I + ∂u/∂x at the nodes (central differences): local volume in the image for a unit volume in the warped one."""
    if min(field.shape) < 2:
        return np.ones(field.shape, np.float32)
    slopes = np.stack([np.gradient(field.vectors_mm, axis=a) for a in range(3)], axis=-1)  # du_c / d index_a
    to_index = np.linalg.inv(field.affine_mm[:3, :3]).astype(np.float32)
    return np.linalg.det(np.eye(3, dtype=np.float32) + slopes @ to_index).astype(np.float32)


def translation(grid: DisplacementField, shift_mm: Float[Array, "3"]) -> DisplacementField:
    """The map x -> x + shift on the nodes of `grid`."""
    return replace(grid, vectors_mm=np.broadcast_to(np.asarray(shift_mm, np.float32), grid.vectors_mm.shape))


def rigid_map(
    grid: DisplacementField, rotation: Float[Array, "3 3"], centre_mm: Float[Array, "3"], shift_mm: Float[Array, "3"]
) -> DisplacementField:
    """The map x -> centre + R (x - centre) + shift on the nodes of `grid`."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    x_mm = index @ grid.affine_mm[:3, :3].T + grid.affine_mm[:3, 3]
    moved = (x_mm - centre_mm) @ rotation.T + centre_mm + shift_mm
    return replace(grid, vectors_mm=(moved - x_mm).astype(np.float32))


def _sample(image: Image, field: DisplacementField, onto: Image, outside: float | None, *, nearest: bool) -> Image:
    out = np.empty(onto.shape, np.float32)
    pull_kernel(
        np.ascontiguousarray(image.array, dtype=np.float32),
        field.vectors_mm,
        (np.linalg.inv(field.affine_mm) @ onto.affine_mm)[:3],
        onto.affine_mm[:3],
        np.linalg.inv(image.affine_mm)[:3],
        float("nan") if outside is None else float(outside),
        nearest,
        out,
    )
    return Image(out, onto.affine_mm, image.frame)
