"""Free-form registration: a smooth random velocity with no idea of what moves."""

from jaxtyping import Float

from gemel.core.image import Array, Image
from gemel.engines.registration.field import DisplacementField
from gemel.engines.registration.posterior import LEVELS, most_probable
from gemel.engines.registration.prior import SMOOTH, Smoothness, velocity_prior


def deformable(
    fixed: Image,
    moving: Image,
    *,
    start: DisplacementField | None = None,
    mobility: Float[Array, "x y z"] | None = None,
    smoothness: Smoothness = SMOOTH,
    levels: tuple[tuple[float, int], ...] = LEVELS,
) -> DisplacementField:
    """Pull field u = start∘exp(v) with fixed(x) = s moving(x + u(x)) + bias(x) + noise, v a Gaussian process.

    Both images lie on one grid, rigidly aligned. mobility (0..1): share of the prior's sd with which each voxel may move.
    levels: (smoothing mm, iterations), coarse to fine.
    """
    prior = velocity_prior(moving, smoothness, mobility=mobility)
    return most_probable(fixed, moving, prior, start=start, levels=levels).field
