"""Errors that all scans of a region, or all regions, have in common: factors on whole curves."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.kinetics.fit import Curves
from gemel.engines.kinetics.posterior import Posterior


def shared_covariance(shared_sd: float, own_sd: Float[Array, "regions"]) -> Float[Array, "regions regions"]:
    """Relative covariance u² + diag(v_i²): one factor of all regions (calibration) and one of each (recovery)."""
    return np.asarray(shared_sd**2 + np.diag(np.asarray(own_sd, dtype=np.float64) ** 2))


def with_factors(held: Posterior, relative_covariance: Float[Array, "regions regions"], rng: np.random.Generator) -> Posterior:
    """Every draw of the curves times a log-normal factor of mean one: the time-integrated activity is linear in the calibration.

    Normal factors of relative covariance V have log covariance ln(1 + V). Raises RangeError when that is not positive semi-definite.
    """
    factor = factor_draws(relative_covariance, len(held.tia_Bq_s), rng)
    return replace(held, curves=Curves(held.curves.c_Bq * factor[:, :, None], held.curves.rate_1_s))


def factor_draws(
    relative_covariance: Float[Array, "regions regions"], draws: int, rng: np.random.Generator
) -> Float[Array, "draws regions"]:
    """Log-normal factors of mean one and that covariance."""
    log_covariance = np.log1p(np.asarray(relative_covariance, dtype=np.float64))
    values, vectors = np.linalg.eigh(log_covariance)
    if values.min() < -1e-9 * max(values.max(), 1e-300):
        found = f"a covariance with the negative eigenvalue {values.min():.3g}"
        raise RangeError(found, where="with_factors", remedy="state a covariance matrix: symmetric, no correlation beyond 1")
    normal = rng.standard_normal((draws, len(values)))
    exponent = normal @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    return np.asarray(np.exp(exponent - np.diag(log_covariance) / 2))
