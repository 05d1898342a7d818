"""A population learnt from posteriors that were each made under a known prior: the spread between subjects, without their own errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import InputError
from gemel.core.image import Array

INFORMED = 0.7
"""Directions whose variance the data brought below this part of the prior's count; above it draws of d in some thousands scatter too."""
HEARD = 0.95
"""Components whose variance falls to this part of the prior's or less, on average over subjects, are learnt; the others stay."""
FORMER_MEAN, FORMER_SPREAD = 1.0, 4.0
"""Subjects that the former prior counts for, in the mean and in the spread."""
STEPS, STILL = 500, 1e-6


@dataclass(frozen=True)
class Evidence:
    """What the data of one subject say, where the former prior is N(0, I): the likelihood exp(−½ zᵀΛz + hᵀz)."""

    precision: Float[Array, "d d"]
    push: Float[Array, "d"]


@dataclass(frozen=True)
class Group:
    """Mean and standard deviation between subjects in units of the former prior, and how much of each component the data told (0 to 1)."""

    mean: Float[Array, "d"]
    sd: Float[Array, "d"]
    told_1: Float[Array, "d"]


def heard(draws: Sequence[Float[Array, "n d"]]) -> Bool[Array, "d"]:
    """Components of which the data of the subjects speak; posterior draws of each, where its former prior is N(0, I)."""
    return np.asarray(np.mean([z.var(axis=0) for z in draws], axis=0) <= HEARD)


def evidence(z: Float[Array, "n d"]) -> Evidence:
    """Λ = V⁻¹ − I and h = V⁻¹m of posterior draws, along the directions of V in which the data spoke; components left out are integrated.

    Raises InputError for too few draws.
    """
    n, d = z.shape
    if n < 20 * d:
        raise InputError(f"{n} draws of {d} parameters", where="population", remedy=f"draw {20 * d} or more from each belief")
    variance, axes = np.linalg.eigh(np.atleast_2d(np.cov(z, rowvar=False)))
    spoke = variance < INFORMED
    along, weight = axes[:, spoke], 1.0 / variance[spoke]
    return Evidence((along * (weight - 1.0)) @ along.T, along @ (weight * (along.T @ z.mean(axis=0))))


def moved(told: Evidence, scale: Float[Array, "d"], shift: Float[Array, "d"]) -> Evidence:
    """The same in other coordinates z', z = scale·z' + shift: Λ' = SΛS, h' = S(h − Λ·shift)."""
    return Evidence(scale[:, None] * told.precision * scale, scale * (told.push - told.precision @ shift))


def group(told: Sequence[Evidence]) -> Group:
    """Most probable μ and τ of z ~ N(μ, diag τ²) by expectation and maximisation. Dempster, Laird & Rubin 1977, J R Stat Soc B 39:1.

    The former prior counts as FORMER_MEAN and FORMER_SPREAD subjects. `sd` is that of the next subject, √(τ²(1 + 1/n)). Leave out
    components that are not `heard`: what scatter of the draws makes of them adds up over subjects. Raises InputError for fewer than two.
    """
    if len(told) < 2:
        raise InputError(f"{len(told)} subjects", where="population", remedy="two at least; a spread cannot be seen in fewer")
    precision, push = np.array([one.precision for one in told]), np.array([one.push for one in told])
    n, d = push.shape
    mean, variance, own = np.zeros(d), np.ones(d), np.ones((n, d))
    for _ in range(STEPS):
        covariance = np.linalg.inv(precision + np.diag(1.0 / variance))
        z = np.einsum("nij,nj->ni", covariance, push + mean / variance)
        own, before = np.diagonal(covariance, axis1=1, axis2=2), np.concatenate([mean, variance])
        mean = z.sum(axis=0) / (n + FORMER_MEAN)
        scatter = (own + np.square(z - mean)).sum(axis=0) + FORMER_MEAN * np.square(mean)
        variance = (scatter + FORMER_SPREAD) / (n + FORMER_SPREAD + 1.0)
        if np.abs(np.concatenate([mean, variance]) - before).max() < STILL:
            break
    return Group(mean, np.sqrt(variance * (1.0 + 1.0 / n)), 1.0 - (own / variance).mean(axis=0))
