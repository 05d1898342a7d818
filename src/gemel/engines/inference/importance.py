"""Posterior draws of a model that is cheap in batches: proposals around the mode, weighted to the exact posterior.

Adaptive multiple importance sampling (Cornuet et al. 2012, Scand J Stat 39:798) that starts from Laplace's approximation. Proposals are a
scrambled Sobol sequence (Owen 1997, Ann Stat 25:1541) pushed through a mixture: a normal, a Student of heavier tails (Geweke 1989,
Econometrica 57:1317), and a defensive share of the prior (Hesterberg 1995, Technometrics 37:185). Weights are truncated
(Ionides 2008, J Comput Graph Stat 17:295).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special
from scipy.stats import qmc

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.inference import particles
from gemel.engines.inference.least_squares import Mode, Residuals, costs, mode

FREEDOM = 5.0
NORMAL, STUDENT, PRIOR = 0.75, 0.2, 0.05
"""Shares of a round's proposals."""
WIDER, WIDER_TAILS = 1.1, 1.3
"""Scale of the proposals' covariance to that of what was found."""
PILOT = 4
"""The first round, about the mode alone, is this much smaller than the next, which are about what it found."""
ROUNDS = 6
ENOUGH = 0.15
NEAREST_EDGE = 1e-12


@dataclass(frozen=True)
class Sample:
    """Equally probable draws (n, d) in the standard normal space, and the effective number of proposals behind them.

    `log_evidence`: ln ∫ N(z; 0, I) exp(−½|residuals(z)|²) dz, what models of the same data are weighed by. `mode`: the most probable
    point that was found.
    """

    z: Float[Array, "n d"]
    effective: float
    proposed: int
    log_evidence: float
    mode: Float[Array, "d"]


@dataclass(frozen=True)
class Near:
    """Where a mode is sought from, in how many steps at most: for models whose every point costs a run."""

    z: Float[Array, "d"]
    steps: int


@dataclass(frozen=True)
class _Proposal:
    """A place to look at: centre, lower root of the covariance, and how many proposals were made there."""

    centre: Float[Array, "d"]
    root: Float[Array, "d d"]
    count: int


def sample(residuals: Residuals, d: int, n: int, rng: np.random.Generator, *, a_round: int = 1024, near: Near | None = None) -> Sample:
    """n draws of p(z | data) ∝ N(z; 0, I) exp(−½|residuals(z)|²); the mode is sought from many draws of the prior, or from `near` alone.

    A round has `a_round` proposals, or the next power of two. Rounds go on until the effective number is ENOUGH of the draws asked for, at
    most ROUNDS of them. Raises RangeError when no draw of the prior explains the data at all.
    """
    found = _mode(residuals, d, near, rng)
    if not np.isfinite(found.cost):
        raise RangeError("observations that no parameters explain", where="importance", remedy="check their units and standard deviations")
    full = 2 ** int(np.ceil(np.log2(a_round)))
    proposals = [_Proposal(found.z, np.linalg.cholesky(np.linalg.inv(found.curvature)), max(full // PILOT, 2))]
    z, cost = np.empty((0, d)), np.empty(0)
    for done in range(ROUNDS):
        fresh = _propose(proposals[-1], rng)
        z, cost = np.concatenate([z, fresh]), np.concatenate([cost, costs(fresh, residuals(fresh))])
        log_ratio = _log_ratio(z, cost, proposals)
        weights = _truncated(log_ratio)
        effective = particles.effective_size(weights)
        if done and effective >= ENOUGH * n:
            break
        proposals.append(_refitted(z, weights, full))
    log_evidence = float(special.logsumexp(log_ratio) - np.log(len(z)) - 0.5 * d * np.log(2 * np.pi))
    return Sample(z[particles.systematic(weights, n, rng)], effective, len(z), log_evidence, found.z)


def _mode(residuals: Residuals, d: int, near: Near | None, rng: np.random.Generator) -> Mode:
    if near is not None:
        return mode(residuals, near.z[None], steps=near.steps)
    return mode(residuals, np.concatenate([np.zeros((1, d)), rng.standard_normal((8 * d, d))]))


def _propose(proposal: _Proposal, rng: np.random.Generator) -> Float[Array, "n d"]:
    """One scrambled Sobol point a proposal: d normals, one for the Student's scale, one for the part of the mixture."""
    d = len(proposal.centre)
    points = qmc.Sobol(d + 2, scramble=True, rng=rng).random(proposal.count)
    points = np.clip(points, NEAREST_EDGE, 1 - NEAREST_EDGE)
    normal, part = special.ndtri(points[:, :d]), points[:, d + 1, None]
    chi_square = 2 * special.gammaincinv(FREEDOM / 2, points[:, d, None])
    scale = np.where(part < NORMAL, np.sqrt(WIDER), np.sqrt(WIDER_TAILS * FREEDOM / chi_square))
    return np.where(part < NORMAL + STUDENT, proposal.centre + (scale * normal) @ proposal.root.T, normal)


def _log_ratio(z: Float[Array, "n d"], cost: Float[Array, "n"], proposals: list[_Proposal]) -> Float[Array, "n"]:
    """ln of the posterior, not normalised, over the mixture of all proposals."""
    d = z.shape[1]
    parts = [np.log(PRIOR) - 0.5 * np.square(z).sum(axis=1) - 0.5 * d * np.log(2 * np.pi)]
    for proposal in proposals:
        share = proposal.count / sum(p.count for p in proposals)
        parts += [np.log(share) + part for part in _log_densities(z, proposal)]
    return np.asarray(-cost - special.logsumexp(parts, axis=0))


def _truncated(log_ratio: Float[Array, "n"]) -> Float[Array, "n"]:
    """Weights, truncated at √n times the mean."""
    weights = np.minimum(particles.normalised(log_ratio), 1 / np.sqrt(len(log_ratio)))
    return np.asarray(weights / weights.sum())


def _log_densities(z: Float[Array, "n d"], proposal: _Proposal) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """Of the normal and the Student part, times their shares."""
    d = z.shape[1]
    squared = np.square(np.linalg.solve(proposal.root, (z - proposal.centre).T)).sum(axis=0)
    log_det = np.log(np.diagonal(proposal.root)).sum()
    normal = np.log(NORMAL) - 0.5 * d * np.log(2 * np.pi * WIDER) - log_det - 0.5 * squared / WIDER
    constant = special.gammaln((FREEDOM + d) / 2) - special.gammaln(FREEDOM / 2) - 0.5 * d * np.log(FREEDOM * np.pi * WIDER_TAILS)
    tails = -0.5 * (FREEDOM + d) * np.log1p(squared / (FREEDOM * WIDER_TAILS))
    return normal, np.asarray(np.log(STUDENT) + constant - log_det + tails)


def _refitted(z: Float[Array, "n d"], weights: Float[Array, "n"], count: int) -> _Proposal:
    """Mean and covariance of what was found so far, never narrower than a hundredth of the prior's variance."""
    centre = weights @ z
    spread = (z - centre).T @ ((z - centre) * weights[:, None])
    # few effective draws: shrink towards the diagonal, so that the matrix stays of full rank
    share = min(1.0, z.shape[1] / (particles.effective_size(weights) + 1))
    spread = (1 - share) * spread + share * np.diag(np.diagonal(spread)) + 1e-4 * np.eye(len(centre))
    return _Proposal(centre, np.linalg.cholesky(spread), count)
