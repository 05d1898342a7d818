"""Draws of what a registration leaves open: other displacements that explain the two images about as well."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Float32

from gemel.core.image import Array
from gemel.engines.registration.accumulate import Motion
from gemel.engines.registration.field import DisplacementField
from gemel.engines.registration.posterior import Deformation, solve
from gemel.engines.registration.warp import compose, exponential, invert

ITERATIONS = 80
"""Of conjugate gradients a draw: on a pelvis the spread after 80 is within about a tenth of that after 400."""


def doubts_mm(
    result: Deformation, count: int, rng: np.random.Generator, *, iterations: int = ITERATIONS
) -> Iterator[Float32[Array, "x y z 3"]]:
    """Draws of v − v̂ from the Laplace posterior, at the nodes of the velocity.

    Perturb and solve: s = (RᵀAR + I)⁻¹(Rᵀ√A z₁ + z₂) has the covariance (RᵀAR + I)⁻¹ for standard normal z (Papandreou & Yuille 2010,
    NeurIPS 23:1858), R the prior's root, A the information of the images at each node. The solver's `iterations` of conjugate gradients
    leave directions that the images hardly see with the prior's draw z₂.
    """
    half = _root(result.information)
    for _ in range(count):
        seen = rng.standard_normal(result.velocity.vectors_mm.shape, dtype=np.float32)
        free = rng.standard_normal(result.prior.size, dtype=np.float32)
        right = result.prior.transpose(np.ascontiguousarray(np.einsum("...ab,...b->...a", half, seen))) + free
        yield result.prior.root(solve(result.information, result.prior, right, np.zeros_like(free), iterations=iterations))


def motions(pull: DisplacementField, doubts: Float[Array, "k x y z 3"], count: int, rng: np.random.Generator) -> Iterator[Motion]:
    """Draws of a registered displacement: what lies at y may lie at exp(d)(y), d a random unit combination of k doubts on its grid.

    Each combination has the covariance that the doubts share; together they span k directions only, as an ensemble's members do
    (Evensen 1994, J Geophys Res 99:10143).
    """
    push = invert(pull)
    for _ in range(count):
        weight = rng.standard_normal(len(doubts))
        off = np.tensordot((weight / np.linalg.norm(weight)).astype(np.float32), doubts.astype(np.float32), axes=1)
        there, back = (exponential(DisplacementField(sign * off, pull.affine_mm)) for sign in (np.float32(1), np.float32(-1)))
        yield Motion(compose(pull, back), compose(there, push))


def _root(information: Float32[Array, "x y z 6"]) -> Float32[Array, "x y z 3 3"]:
    """Symmetric root of each node's matrix (xx xy xz yy yz zz)."""
    full = information[..., [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(*information.shape[:3], 3, 3).astype(np.float64)
    size, axes = np.linalg.eigh(full)
    return ((axes * np.sqrt(np.maximum(size, 0.0))[..., None, :]) @ np.swapaxes(axes, -1, -2)).astype(np.float32)
