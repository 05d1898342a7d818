"""Errors of scans that are not independent: a model's own discrepancy wanders in time, and its size is not known.

A zero-mean Gaussian process of variance σ² and correlation e^(−|Δt|/τ), added to what every scan shows. Kennedy & O'Hagan 2001,
J R Stat Soc B 63:425; Uhlenbeck & Ornstein 1930, Phys Rev 36:823.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array


@dataclass(frozen=True)
class Seen:
    """Scans: times and standard deviations of their independent errors; `memory_s` is τ."""

    times_s: Float[Array, "m"]
    sd: Float[Array, "m"]
    memory_s: float

    def covariance(self, sigma: Float[Array, "n"]) -> Float[Array, "n m m"]:
        """Of everything seen, for every draw of σ."""
        apart = np.abs(self.times_s[:, None] - self.times_s[None])
        return np.asarray(np.square(sigma)[:, None, None] * np.exp(-apart / self.memory_s) + np.diag(np.square(self.sd)))


def whitened(seen: Seen, sigma: Float[Array, "n"], errors: Float[Array, "n m"]) -> Float[Array, "n m1"]:
    """Columns r with ½|r|² = −ln p(errors | σ) up to a constant: L⁻¹e, and one for ln det L, which is not less than Σ ln sd."""
    root = np.linalg.cholesky(seen.covariance(sigma))
    r = np.linalg.solve(root, errors[:, :, None])[:, :, 0]
    excess = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1) - np.log(seen.sd).sum()
    return np.concatenate([r, np.sqrt(2.0 * np.maximum(excess, 0.0))[:, None]], axis=1)


def drawn(seen: Seen, sigma: Float[Array, "n"], errors: Float[Array, "n m"], t_s: float, rng: np.random.Generator) -> Float[Array, "n"]:
    """The discrepancy at a time, given what was seen (value − prediction): normal, mean kᵀC⁻¹e and variance σ² − kᵀC⁻¹k."""
    cross = np.square(sigma)[:, None] * np.exp(-np.abs(seen.times_s - t_s) / seen.memory_s)
    solved = np.linalg.solve(seen.covariance(sigma), cross[:, :, None])[:, :, 0]
    mean, variance = (solved * errors).sum(axis=1), np.square(sigma) - (solved * cross).sum(axis=1)
    return np.asarray(mean + np.sqrt(np.maximum(variance, 0.0)) * rng.standard_normal(len(sigma)))


def stepped(value: Float[Array, "n"], sigma: Float[Array, "n"], share: float, rng: np.random.Generator) -> Float[Array, "n"]:
    """The discrepancy later, `share` = e^(−Δt/τ) of it kept: exact in any number of steps."""
    return np.asarray(share * value + sigma * np.sqrt(1.0 - share**2) * rng.standard_normal(len(value)))
