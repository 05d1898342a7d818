"""Heat of a current at rest: σ|∇φ|² of −∇·(σ ∇φ) = i on a masked grid, shared out so that no power is lost."""

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.pde.domain import Domain
from gemel.engines.pde.elliptic import Held, Map, solution

SQUARE_MM_M2 = 1e6


def joule_W_m3(
    on: Domain, sigma_S_m: Map, *, held: Held, current_A_m3: Map = 0.0, tolerance: float = 1e-9
) -> tuple[Float[Array, "x y z"], Float[Array, "x y z"]]:
    """Power by volume in free voxels, and the potential (V); current enters by volume, and through voxels `held` at potentials.

    Each face's w (Δφ)² goes in halves to its voxels, all of it to a free one beside a held one: what is taken up is what the sources
    give, Σ iφ. Of second order away from sources. Raises as `elliptic`; RangeError for a conductivity not over 0.
    """
    sigma = np.broadcast_to(np.asarray(sigma_S_m, dtype=np.float64), on.shape)
    if not (sigma[on.leave(on.inside)] > 0).all():
        raise RangeError("a conductivity not over 0", where="joule", remedy="give S/m over 0 in every voxel of the mask; air is left out")
    matrix, phi = solution(on, SQUARE_MM_M2 * sigma, source=current_A_m3, loss=0.0, held=held, tolerance=tolerance)
    free, found = matrix.network.free, np.zeros_like(phi)
    for axis, (inner, outer) in enumerate(zip(matrix.network.faces, matrix.to_held)):
        low = tuple(slice(0, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        power = (inner[high] + outer[high]) * np.square(phi[high] - phi[low])
        sides = free[low].astype(np.int8) + free[high]
        share = np.divide(power, sides, out=np.zeros_like(power), where=sides > 0)
        found[low] += share * free[low]
        found[high] += share * free[high]
    return on.leave(found), on.leave(phi)
