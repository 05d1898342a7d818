"""Draws of a posterior whose every point costs a run: Laplace, then rounds of weighed draws, and the evidence they are worth.

Proposals are normal and a little wide: about the mode, then about what was found. Weights are by the mixture of all (Cornuet
et al. 2012, Scand J Stat 39:798); their mean is the evidence (Kass & Raftery 1995, JASA 90:773, sec. 4.1).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp, ndtri
from scipy.stats import qmc

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.inference.least_squares import Residuals, costs, mode

A_ROUND, ROUNDS, STEPS = 64, 3, 4
WIDER, WIDER_FITTED = 1.3, 1.15
"""Scale of the proposals to what Laplace, and what earlier rounds, say."""


@dataclass(frozen=True)
class Weighed:
    """Points, weights that sum to one, ln evidence up to what is common to all models, and the mode."""

    z: Float[Array, "n d"]
    weights: Float[Array, "n"]
    ln_evidence: float
    mode: Float[Array, "d"]


def weighed(residuals: Residuals, start: Float[Array, "d"], rng: np.random.Generator, *, steps: int = STEPS) -> Weighed:
    """Of p(z | data) ∝ N(z; 0, I) exp(−½|residuals(z)|²). Raises RangeError where nothing near the mode explains the data."""
    found = mode(residuals, start[None], steps=steps)
    proposals = [(found.z, WIDER * np.linalg.inv(np.linalg.cholesky(found.curvature)).T)]
    z, cost = np.empty((0, len(start))), np.empty(0)
    for _ in range(ROUNDS):
        fresh = _proposed(*proposals[-1], rng)
        z, cost = np.concatenate([z, fresh]), np.concatenate([cost, costs(fresh, residuals(fresh))])
        log = -cost - logsumexp([_ln_density(z, *one) for one in proposals], axis=0) + np.log(len(proposals))
        if not np.isfinite(log).any():
            raise RangeError("scans that no parameters explain", where="glioma", remedy="check their outlines, dates and frame")
        weights = np.exp(log - logsumexp(log))
        proposals.append(_refitted(z, weights))
    return Weighed(z, weights, float(logsumexp(log) - np.log(len(log))), found.z)


def _proposed(centre: Float[Array, "d"], root: Float[Array, "d d"], rng: np.random.Generator) -> Float[Array, "n d"]:
    points = qmc.Sobol(len(centre), scramble=True, rng=rng).random(A_ROUND)
    return np.asarray(centre + ndtri(np.clip(points, 1e-9, 1 - 1e-9)) @ root.T)


def _ln_density(z: Float[Array, "n d"], centre: Float[Array, "d"], root: Float[Array, "d d"]) -> Float[Array, "n"]:
    """Up to (2π)^(−d/2), as the prior's in a cost."""
    away = np.linalg.solve(root, (z - centre).T)
    return np.asarray(-0.5 * np.square(away).sum(axis=0) - np.linalg.slogdet(root)[1])


def _refitted(z: Float[Array, "n d"], weights: Float[Array, "n"]) -> tuple[Float[Array, "d"], Float[Array, "d d"]]:
    """Mean and widened root of the covariance; few effective draws: shrunk towards its diagonal."""
    d, centre = z.shape[1], weights @ z
    spread = (z - centre).T @ ((z - centre) * weights[:, None])
    share = min(1.0, d * float(np.square(weights).sum()))
    spread = (1 - share) * spread + share * np.diag(np.diagonal(spread)) + 1e-3 * np.eye(d)
    return centre, WIDER_FITTED * np.linalg.cholesky(spread)
