"""Stress that growing cells put on the tissue about them, and how it holds other cells back: D = D0 exp(−γ σ_vM).

∇·σ − λ ∇N = 0 is linear in N: stress is computed once for a few densities that span those to come, and added up for each draw.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit, prange

from gemel.core.image import Array
from gemel.systems.breast.body import Body


def diffusivity_mm2_d(
    body: Body, density: Float[Array, "draws n"], D0_mm2_d: Float[Array, "draws"], gamma_1_kPa: Float[Array, "draws"] | None
) -> Float[Array, "draws n"]:
    """D of each voxel under the stress of some cells; D0 where growth is not coupled."""
    D0 = np.asarray(D0_mm2_d, dtype=np.float32)[:, None]
    if not body.coupled or gamma_1_kPa is None:
        return np.broadcast_to(D0, density.shape)
    return np.asarray(D0 * np.exp(-np.asarray(gamma_1_kPa, dtype=np.float32)[:, None] * von_mises_kPa(body, density)))


def von_mises_kPa(body: Body, density: Float[Array, "draws n"]) -> Float[Array, "draws n"]:
    """√(½((xx − yy)² + (yy − zz)² + (zz − xx)²) + 3(xy² + yz² + zx²)) of the stress of densities of cells, by superposition.

    Von Mises 1913, Nachr Ges Wiss Göttingen 1913:582.
    """
    weights = np.asarray(density, dtype=np.float32) @ np.asarray(body.stress_basis, dtype=np.float32).T
    return np.asarray(_equivalent(np.ascontiguousarray(weights), np.asarray(body.stress_kPa, dtype=np.float32)))


@njit(parallel=True, cache=True)
@no_type_check
def _equivalent(weights, stress):
    draws, basis, n = len(weights), len(stress), stress.shape[2]
    found = np.empty((draws, n), dtype=weights.dtype)
    half, three = weights.dtype.type(0.5), weights.dtype.type(3.0)
    for d in prange(draws):
        sums = np.zeros((6, n), dtype=weights.dtype)
        for b in range(basis):
            for c in range(6):
                for i in range(n):
                    sums[c, i] += weights[d, b] * stress[b, c, i]
        for i in range(n):
            xx, yy, zz = sums[0, i], sums[1, i], sums[2, i]
            direct = half * ((xx - yy) * (xx - yy) + (yy - zz) * (yy - zz) + (zz - xx) * (zz - xx))
            shear = three * (sums[3, i] * sums[3, i] + sums[4, i] * sums[4, i] + sums[5, i] * sums[5, i])
            found[d, i] = np.sqrt(direct + shear)
    return found
