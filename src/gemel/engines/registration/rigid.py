"""Rigid alignment of a moving image to a fixed one on the parts of it that do not deform."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from gemel.core.errors import GeometryError
from gemel.core.image import Array, Image
from gemel.engines.registration.compare import body, box, crop, metal, onto_grid, smooth_within, smoothed, thinned, within
from gemel.engines.registration.field import DisplacementField, zero_field
from gemel.engines.registration.gauss_newton import Predict, fit
from gemel.engines.registration.warp import pull, rigid_map

HARD_HU = 200.0  # cortical and dense trabecular bone
ROTATION_SD_RAD = 0.02  # 1.1 degree
OUTSIDE_HU = -1024.0
LEVELS = ((6.0, 10), (2.0, 8))  # smoothing mm, iterations


@dataclass(frozen=True)
class RigidResult:
    """The moving image's point p lies at centre + R (p - centre) + translation in the fixed image; R from the rotation vector."""

    translation_mm: Float[Array, "3"]
    rotation_rad: Float[Array, "3"]
    centre_mm: Float[Array, "3"]
    covariance: Float[Array, "6 6"]  # of (translation_mm, rotation_rad), from noise alone
    similarity: float  # correlation of the two images at the compared voxels, bias removed


def rigid(
    fixed: Image,
    moving: Image,
    *,
    mask: Bool[Array, "x y z"] | None = None,
    start_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    translation_sd_mm: float = 10.0,
) -> RigidResult:
    """Posterior of translation and rotation with normal priors around the start, coarse to fine.

    mask: the stiff part with a margin, on the moving grid; None takes what is near voxels above HARD_HU. Metal and what lies outside
    the fixed image's field of view are left out. Raises GeometryError when the images do not overlap there.
    """
    target = onto_grid(fixed, moving, outside=OUTSIDE_HU)
    if not (target.array > OUTSIDE_HU).any():
        raise GeometryError("images that do not overlap", where="rigid", remedy="check the frames of reference, or give start_mm")
    stiff, seen = hard(moving) if mask is None else mask & ~metal(moving), body(target)
    inside = body(target, margin_mm=0.0)
    if not (stiff & seen).any():
        raise GeometryError("no stiff voxel in both images", where="rigid", remedy="check the frames of reference, or give start_mm")
    centre_mm = moving.affine_mm[:3, :3] @ np.argwhere(stiff & seen).mean(axis=0) + moving.origin_mm
    prior = (np.array([*start_mm, 0.0, 0.0, 0.0]), np.array([translation_sd_mm] * 3 + [ROTATION_SD_RAD] * 3))
    at = prior[0]
    for sd_mm, iterations in LEVELS:
        region = seen & (_predictor(replace(moving, array=stiff.astype(np.float32)), moving, centre_mm)(at) >= 0.5)
        block = box(region)
        values = smooth_within(target, inside, sd_mm)[block]
        predict = _predictor(smoothed(moving, sd_mm), crop(target, block), centre_mm)
        posterior = fit(
            values,
            predict,
            prior,
            region=thinned(region[block], max(1, int(sd_mm / moving.spacing_mm.max()))),
            start=at,
            iterations=iterations,
        )
        at = posterior.mean
    return RigidResult(at[:3], at[3:], centre_mm, posterior.covariance, posterior.similarity)


def hard(image: Image, margin_mm: float = 6.0) -> Bool[Array, "x y z"]:
    """Voxels within the margin of something above HARD_HU, away from metal."""
    return within(smoothed(image, 2.0).array > HARD_HU, image, margin_mm) & ~metal(image)


def displaced_mm(result: RigidResult, points_mm: Float[Array, "n 3"]) -> Float[Array, "n 3"]:
    """How far points of the moving image are moved: R (p - c) + c + t - p."""
    turned = (points_mm - result.centre_mm) @ Rotation.from_rotvec(result.rotation_rad).as_matrix().T
    return np.asarray(turned + result.centre_mm + result.translation_mm - points_mm)


def to_fixed(result: RigidResult, grid: DisplacementField) -> DisplacementField:
    """Pull field on the moving frame's grid that brings the fixed image into the moving frame: p -> R(p - c) + c + t."""
    return rigid_map(grid, Rotation.from_rotvec(result.rotation_rad).as_matrix(), result.centre_mm, result.translation_mm)


def to_moving(result: RigidResult, grid: DisplacementField) -> DisplacementField:
    """Pull field on the fixed frame's grid that brings the moving image into the fixed frame: x -> Rᵀ(x - c - t) + c."""
    inverse = Rotation.from_rotvec(result.rotation_rad).as_matrix().T
    return rigid_map(grid, inverse, result.centre_mm, -inverse @ result.translation_mm)


def _predictor(moving: Image, onto: Image, centre_mm: Array) -> Predict:
    corners = zero_field(moving, max(moving.shape))

    def predict(a: Array) -> Array:
        inverse = Rotation.from_rotvec(a[3:]).as_matrix().T
        return pull(moving, rigid_map(corners, inverse, centre_mm, -inverse @ a[:3]), onto=onto).array

    return predict
