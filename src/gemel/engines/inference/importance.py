"""Posterior draws of a model that is cheap in batches: proposals around the mode, weighted to the exact posterior.

Adaptive multiple importance sampling (Cornuet et al. 2012, Scand J Stat 39:798) that starts from Laplace's approximation, with Student
tails (Geweke 1989, Econometrica 57:1317), a defensive share of the prior (Hesterberg 1995, Technometrics 37:185), and weights that are
truncated (Ionides 2008, J Comput Graph Stat 17:295).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.inference import particles
from gemel.engines.inference.least_squares import Residuals, costs, mode

FREEDOM = 6.0
WIDER = 1.15
DEFENCE = 0.05
ROUNDS = 6
ENOUGH = 0.15


@dataclass(frozen=True)
class Sample:
    """Equally probable draws (n, d) in the standard normal space, and the effective number of proposals behind them."""

    z: Float[Array, "n d"]
    effective: float
    proposed: int


@dataclass(frozen=True)
class _Proposal:
    """A Student distribution: centre, lower root of the scale matrix."""

    centre: Float[Array, "d"]
    root: Float[Array, "d d"]


def sample(residuals: Residuals, d: int, n: int, rng: np.random.Generator, *, a_round: int = 1500) -> Sample:
    """n draws of p(z | data) ∝ N(z; 0, I) exp(−½|residuals(z)|²).

    Rounds of proposals go on until the effective number is ENOUGH of the draws asked for, at most ROUNDS of them.
    Raises RangeError when no draw of the prior explains the data at all.
    """
    starts = np.concatenate([np.zeros((1, d)), rng.standard_normal((8 * d, d))])
    found = mode(residuals, starts)
    if not np.isfinite(found.cost):
        raise RangeError("observations that no parameters explain", where="importance", remedy="check their units and standard deviations")
    proposals = [_Proposal(found.z, np.sqrt(WIDER) * np.linalg.cholesky(np.linalg.inv(found.curvature)))]
    z, cost = np.empty((0, d)), np.empty(0)
    for _ in range(ROUNDS):
        fresh = _propose(proposals[-1], a_round, rng)
        z, cost = np.concatenate([z, fresh]), np.concatenate([cost, costs(fresh, residuals(fresh))])
        weights = _weights(z, cost, proposals)
        effective = particles.effective_size(weights)
        if effective >= ENOUGH * n:
            break
        proposals.append(_refitted(z, weights))
    return Sample(z[particles.systematic(weights, n, rng)], effective, len(z))


def _propose(proposal: _Proposal, n: int, rng: np.random.Generator) -> Float[Array, "n d"]:
    normal = rng.standard_normal((n, len(proposal.centre)))
    scale = np.sqrt(FREEDOM / rng.chisquare(FREEDOM, n))
    z = proposal.centre + (normal * scale[:, None]) @ proposal.root.T
    prior = rng.random(n) < DEFENCE
    return np.where(prior[:, None], rng.standard_normal(z.shape), z)


def _weights(z: Float[Array, "n d"], cost: Float[Array, "n"], proposals: list[_Proposal]) -> Float[Array, "n"]:
    """Posterior over the mixture of all proposals, truncated at √n times the mean."""
    d = z.shape[1]
    normal = -0.5 * np.square(z).sum(axis=1) - 0.5 * d * np.log(2 * np.pi)
    students = np.stack([_log_student(z, p) for p in proposals])
    mixture = np.logaddexp(np.log(DEFENCE) + normal, np.log((1 - DEFENCE) / len(proposals)) + special.logsumexp(students, axis=0))
    weights = particles.normalised(-cost - 0.5 * d * np.log(2 * np.pi) - mixture)
    weights = np.minimum(weights, np.sqrt(len(z)) / len(z))
    return np.asarray(weights / weights.sum())


def _log_student(z: Float[Array, "n d"], proposal: _Proposal) -> Float[Array, "n"]:
    d = z.shape[1]
    white = np.linalg.solve(proposal.root, (z - proposal.centre).T)
    constant = special.gammaln((FREEDOM + d) / 2) - special.gammaln(FREEDOM / 2) - 0.5 * d * np.log(FREEDOM * np.pi)
    log_det = np.log(np.diagonal(proposal.root)).sum()
    return np.asarray(constant - log_det - 0.5 * (FREEDOM + d) * np.log1p(np.square(white).sum(axis=0) / FREEDOM))


def _refitted(z: Float[Array, "n d"], weights: Float[Array, "n"]) -> _Proposal:
    """Mean and covariance of what was found so far, never narrower than a hundredth of the prior's variance."""
    centre = weights @ z
    spread = (z - centre).T @ ((z - centre) * weights[:, None])
    # few effective draws: shrink towards the diagonal, so that the matrix stays of full rank
    share = min(1.0, z.shape[1] / (particles.effective_size(weights) + 1))
    spread = (1 - share) * spread + share * np.diag(np.diagonal(spread)) + 1e-4 * np.eye(len(centre))
    return _Proposal(centre, np.sqrt(WIDER) * np.linalg.cholesky(spread))
