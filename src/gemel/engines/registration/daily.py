"""A new image of a body against an old one: where it lies, how it has deformed, and whether to believe it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gemel.core.errors import GeometryError
from gemel.core.image import Array, Image
from gemel.engines.registration.compare import onto_grid, smoothed, workable
from gemel.engines.registration.field import DisplacementField, zero_field
from gemel.engines.registration.posterior import Deformation, most_probable
from gemel.engines.registration.prior import SMOOTH, Modes, Smoothness, velocity_prior
from gemel.engines.registration.quality import Quality, quality
from gemel.engines.registration.rigid import HARD_HU, RigidResult, rigid, to_fixed

FREE_mm = 10.0  # distance from stiff parts at which tissue moves freely


@dataclass(frozen=True)
class Registration:
    """Where the moving image lies in the fixed one, and its pull field in its own frame: fixed, rigidly aligned, ≈ moving(x + u(x))."""

    position: RigidResult
    field: DisplacementField
    aligned: Image  # the fixed image in the moving image's frame, on the working grid
    deformation: Deformation
    quality: Quality


def register(
    fixed: Image,
    moving: Image,
    *,
    modes: Modes | None = None,
    stiff: Bool[Array, "x y z"] | None = None,
    smoothness: Smoothness = SMOOTH,
    start_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Registration:
    """Rigid on the stiff parts, then deformable with the modes (if any) and a smooth random field that spares the stiff parts.

    stiff: what does not deform, on the moving grid; None takes voxels above HARD_HU. Finer images are averaged to about 3 mm.
    Raises RangeError when the images have nothing stiff in common, GeometryError when the masks are on another grid.
    """
    if stiff is not None and stiff.shape != moving.shape:
        found = f"a stiff mask of shape {stiff.shape} for an image of {moving.shape}"
        raise GeometryError(found, where="register", remedy="rasterise it on the moving image's grid")
    work = workable(moving)
    hard = smoothed(work, 2.0).array > HARD_HU if stiff is None else onto_grid(_as_image(stiff, moving), work, outside=0.0).array >= 0.5
    position = rigid(fixed, work, start_mm=start_mm)
    aligned = onto_grid(fixed, work, outside=-1024.0, field=to_fixed(position, zero_field(work, 4)))
    prior = velocity_prior(work, smoothness, modes=modes, mobility=mobility(hard, work))
    answer = most_probable(aligned, work, prior)
    return Registration(position, answer.field, aligned, answer, quality(aligned, work, answer.field))


def mobility(stiff: Bool[Array, "x y z"], grid: Image) -> Float[Array, "x y z"]:
    """0 in the stiff parts, rising linearly to 1 at FREE_mm from them."""
    if not stiff.any():
        return np.ones(grid.shape, np.float32)
    distance_mm = ndimage.distance_transform_edt(~stiff, sampling=grid.spacing_mm)
    return np.clip(distance_mm / FREE_mm, 0.0, 1.0).astype(np.float32)


def _as_image(mask: Array, grid: Image) -> Image:
    return Image(mask.astype(np.float32), grid.affine_mm, grid.frame)
