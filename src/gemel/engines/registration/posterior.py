"""The most probable velocity between two images under a normal prior, unknown contrast, smooth bias and noise, and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float32

from gemel.core.errors import StructureError
from gemel.core.image import Array, Image, require_same_grid
from gemel.engines.registration.compare import body, metal, smooth_within, smoothed
from gemel.engines.registration.difference import Difference, Region, normal_equations, residual, times
from gemel.engines.registration.field import DisplacementField
from gemel.engines.registration.prior import VelocityPrior
from gemel.engines.registration.warp import compose, exponential, pull

LEVELS = ((6.0, 6), (3.0, 6))  # smoothing mm, Gauss-Newton iterations


@dataclass(frozen=True)
class Deformation:
    """Velocity v and pull field start∘exp(v), with the prior and the information of the images at each node (Laplace)."""

    field: DisplacementField
    velocity: DisplacementField
    unit: Float32[Array, "n"]  # standard normal unknowns of the prior at the answer, modes first
    prior: VelocityPrior
    information: Float32[Array, "x y z 6"]  # xx xy xz yy yz zz in 1/mm²
    difference: Difference


def most_probable(
    fixed: Image,
    moving: Image,
    prior: VelocityPrior,
    *,
    start: DisplacementField | None = None,
    levels: tuple[tuple[float, int], ...] = LEVELS,
) -> Deformation:
    """v that maximises p(fixed | moving(x + u(x))) p(v), u = start∘exp(v), by Gauss-Newton from coarse to fine.

    fixed(x) = s moving(x + u(x)) + bias(x) + noise, compared in the fixed image's body away from metal. Both images lie on one
    grid, rigidly aligned; steps are at most one voxel long.
    """
    require_same_grid(fixed, moving, "registration")
    inside, seen = body(fixed, margin_mm=0.0), body(fixed) & ~metal(moving)
    region, unit = Region.of(seen), np.zeros(prior.size, np.float32)
    velocity = DisplacementField(prior.centre, prior.affine_mm)
    base = replace(velocity, vectors_mm=np.zeros_like(velocity.vectors_mm)) if start is None else start
    for sd_mm, iterations in levels:
        target, soft = smooth_within(fixed, inside, sd_mm), smoothed(moving, sd_mm)
        for _ in range(iterations):
            warped = pull(soft, compose(base, exponential(velocity)))
            difference = residual(target, warped, region)
            matrix, right = normal_equations(warped, difference, sd_mm)
            right += times(matrix, velocity.vectors_mm - prior.centre)
            unit = solve(matrix, prior, prior.transpose(right), unit)
            step = _limited(prior.centre + prior.root(unit) - velocity.vectors_mm, float(moving.spacing_mm.min()))
            velocity = replace(velocity, vectors_mm=velocity.vectors_mm + step)
    return Deformation(compose(base, exponential(velocity)), velocity, unit, prior, matrix, difference)


def covariance(result: Deformation, directions: Sequence[Float32[Array, "n"]]) -> Float[Array, "m m"]:
    """Posterior covariance Dᵀ (RᵀAR + I)⁻¹ D of linear functionals of the standard normal unknowns."""
    solved = [solve(result.information, result.prior, d, np.zeros_like(d), iterations=40) for d in directions]
    table = np.array([[np.vdot(d, s) for s in solved] for d in directions], np.float64)
    return 0.5 * (table + table.T)


def velocity_covariance(result: Deformation, functionals: Sequence[Float32[Array, "x y z 3"]]) -> Float[Array, "m m"]:
    """Posterior covariance of Σ w·v over the nodes for each weight field w: means, divergences, rotations of a region."""
    return covariance(result, [result.prior.transpose(w) for w in functionals])


def mean_motion(result: Deformation, mask: Bool[Array, "x y z"], grid: Image) -> tuple[Float[Array, "3"], Float[Array, "3 3"]]:
    """Mean of the pull vectors u over a region of the fixed image, in mm, with its posterior covariance to first order."""
    still = DisplacementField(np.zeros((1, 1, 1, 3), np.float32), np.eye(4))
    onto = Image(np.zeros(result.velocity.shape, np.float32), result.velocity.affine_mm)
    weight = pull(replace(grid, array=mask.astype(np.float32)), still, onto=onto, outside=0.0).array
    if weight.sum() <= 0:
        raise StructureError(
            "a region that no node of the velocity lies in", where="mean_motion", remedy="pass a larger region on its own grid"
        )
    weight = weight / weight.sum()
    mean_mm = np.array([np.vdot(weight, result.field.vectors_mm[..., a]) for a in range(3)], np.float64)
    return mean_mm, velocity_covariance(result, [np.ascontiguousarray(weight[..., None] * axis, dtype=np.float32) for axis in np.eye(3)])


def solve(matrix: Array, prior: VelocityPrior, right: Array, start: Array, *, iterations: int = 10) -> Array:
    """(Rᵀ A R + I) s = right by conjugate gradients. Hestenes & Stiefel 1952, J Res NBS 49:409."""
    found = start.copy()
    rest = right - prior.transpose(times(matrix, prior.root(found))) - found
    direction, size = rest.copy(), float(np.vdot(rest, rest))
    enough = 1e-6 * float(np.vdot(right, right))
    for _ in range(iterations):
        if size <= enough:
            break
        image = prior.transpose(times(matrix, prior.root(direction))) + direction
        step = np.float32(size / float(np.vdot(direction, image)))
        found += step * direction
        rest -= step * image
        later = float(np.vdot(rest, rest))
        direction, size = rest + np.float32(later / size) * direction, later
    return found


def _limited(step: Array, limit_mm: float) -> Array:
    """The step cut to the limit in length at each node."""
    length = np.linalg.norm(step, axis=-1, keepdims=True)
    return step * np.minimum(1.0, limit_mm / np.maximum(length, 1e-6)).astype(np.float32)
