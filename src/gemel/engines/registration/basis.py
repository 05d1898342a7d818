"""Registration with few motion modes and, beside them, a smooth random field for what the modes leave out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from gemel.core.image import Array, Image
from gemel.engines.registration.field import DisplacementField
from gemel.engines.registration.posterior import Deformation, covariance, most_probable
from gemel.engines.registration.prior import SMOOTH, Modes, Smoothness, velocity_prior


@dataclass(frozen=True)
class BasisFit:
    """Amplitudes a of the modes (posterior mean and covariance), the whole pull field exp(Σ a_k V_k + w), and the difference left in HU."""

    coefficients: Float[Array, "k"]
    covariance: Float[Array, "k k"]
    field: DisplacementField
    residual: Float32[Array, "x y z"]
    similarity: float  # correlation of the two images where compared, bias removed
    deformation: Deformation


def fit_basis(
    fixed: Image,
    moving: Image,
    basis: Sequence[DisplacementField],
    prior_mean: Float[Array, "k"],
    prior_sd: Float[Array, "k"],
    *,
    mobility: Float[Array, "x y z"] | None = None,
    smoothness: Smoothness = SMOOTH,
) -> BasisFit:
    """Posterior of the amplitudes for which moving(x + u(x)), u = exp(Σ a_k V_k + w), explains the fixed image.

    w is a smooth random field that stands for motion outside the modes (Kennedy & O'Hagan 2001, J R Stat Soc B 63:425): without it
    a mode takes what resembles it, far from the truth and with too small a covariance. Priors of the amplitudes are independent normal.
    Both images lie on one grid, rigidly aligned; mobility (0..1) scales w voxel by voxel.
    """
    modes = Modes(tuple(basis), np.asarray(prior_mean, np.float64), np.asarray(prior_sd, np.float64))
    found = most_probable(fixed, moving, velocity_prior(moving, smoothness, modes=modes, mobility=mobility))
    k = len(modes.fields)
    directions = [np.eye(1, found.prior.size, i, dtype=np.float32)[0] for i in range(k)]
    spread = covariance(found, directions) * np.outer(modes.sd, modes.sd)
    amplitudes = modes.mean + modes.sd * found.unit[:k]
    return BasisFit(amplitudes, spread, found.field, found.difference.rest, found.difference.similarity, found)
