"""Exact conditioning of normal distributions, in batches."""

import numpy as np
from jaxtyping import Float, Int

from gemel.core.image import Array

Mean = Float[Array, "n d"]
Covariance = Float[Array, "n d d"]


def condition(
    mean: Mean, covariance: Covariance, emission: Float[Array, "n m d"], value: Float[Array, "m"], sd: Float[Array, "m"]
) -> tuple[Mean, Covariance, Float[Array, "n"]]:
    """Posterior mean, covariance and log evidence of z ~ N(mean, covariance) given value = H z + N(0, sd²).

    Gain K = P Hᵀ S⁻¹, S = H P Hᵀ + R, covariance P − K H P made symmetric. Kalman 1960, J Basic Eng 82:35.
    """
    spread = covariance @ emission.transpose(0, 2, 1)
    innovation = emission @ spread + np.diag(sd**2)
    residual = value - np.einsum("nmd,nd->nm", emission, mean)
    root = np.linalg.inv(np.linalg.cholesky(innovation))
    whitened, narrow = np.einsum("nij,nj->ni", root, residual), spread @ root.transpose(0, 2, 1)
    posterior = covariance - narrow @ narrow.transpose(0, 2, 1)
    log_det = -2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    evidence = -0.5 * (np.square(whitened).sum(axis=1) + log_det + residual.shape[1] * np.log(2 * np.pi))
    return mean + np.einsum("ndm,nm->nd", narrow, whitened), posterior, np.asarray(evidence)


def advance(mean: Mean, covariance: Covariance, decay: Float[Array, "n d"], added: Float[Array, "n d"]) -> tuple[Mean, Covariance]:
    """Moments after z ← decay·z + N(0, added), with independent components (Ornstein–Uhlenbeck processes and constants)."""
    moved = decay[:, :, None] * covariance * decay[:, None, :]
    diagonal = np.arange(mean.shape[1])
    moved[:, diagonal, diagonal] += added
    return decay * mean, moved


def draw(mean: Mean, covariance: Covariance, pick: Int[Array, "k"], rng: np.random.Generator) -> Float[Array, "k d"]:
    """One draw of each picked normal of the batch, through a symmetric root that allows singular covariances."""
    chosen, where = np.unique(pick, return_inverse=True)
    values, vectors = np.linalg.eigh(covariance[chosen])
    noise = rng.standard_normal((len(pick), mean.shape[1])) * np.sqrt(np.maximum(values, 0.0))[where]
    return mean[pick] + np.einsum("nij,nj->ni", vectors[where], noise)
