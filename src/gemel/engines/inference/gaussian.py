"""Exact conditioning of normal distributions, in batches."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit, prange

from gemel.core.image import Array

Mean = Float[Array, "n d"]
Covariance = Float[Array, "n d d"]


def condition(
    mean: Mean, covariance: Covariance, emission: Float[Array, "n m d"], value: Float[Array, "m"], sd: Float[Array, "m"]
) -> tuple[Mean, Covariance, Float[Array, "n"]]:
    """Posterior mean, covariance and log evidence of z ~ N(mean, covariance) given value = H z + N(0, sd²).

    One value after the other, for their errors are independent: r = v − hᵀm, s = hᵀP h + sd², m ← m + P h r/s,
    P ← P − P h hᵀP/s. Kalman 1960, J Basic Eng 82:35; Bierman 1977, Factorization Methods for Discrete Sequential Estimation, sec. II.6.
    """
    held = np.array(mean, dtype=np.float64), np.array(covariance, dtype=np.float64)
    evidence = np.empty(len(mean))
    shape = (len(mean), len(value), mean.shape[1])
    seen = np.ascontiguousarray(np.broadcast_to(emission, shape), dtype=np.float64)
    numbers = np.array(np.stack([value, sd], axis=1), dtype=np.float64)
    _condition(*held, seen, numbers, evidence)
    return *held, evidence


@njit(parallel=True, cache=True)
@no_type_check
def _condition(mean, covariance, emission, numbers, evidence):
    """In place; numbers: value and sd of each observation."""
    d = mean.shape[1]
    for n in prange(mean.shape[0]):
        m, P, spread, total = mean[n], covariance[n], np.empty(d), 0.0
        for k in range(emission.shape[1]):
            h = emission[n, k]
            residual, s = numbers[k, 0], numbers[k, 1] ** 2
            for i in range(d):
                both = 0.0
                for j in range(d):
                    both += P[i, j] * h[j]
                spread[i] = both
                residual -= h[i] * m[i]
                s += h[i] * both
            total -= 0.5 * (residual * residual / s + np.log(2 * np.pi * s))
            for i in range(d):
                gain = spread[i] / s
                m[i] += gain * residual
                for j in range(i + 1):
                    P[i, j] -= gain * spread[j]
                    P[j, i] = P[i, j]
        evidence[n] = total


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
