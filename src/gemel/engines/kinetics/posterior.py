"""Draws of whole time–activity curves, averaged over the shapes that the scans allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gemel.core.image import Array
from gemel.engines.kinetics.fit import Curves, Hypothesis, curves_of, fit, normal_prior, rate_bounds, row_scale_Bq
from gemel.engines.kinetics.physical import require_physical
from gemel.engines.kinetics.scans import Scans
from gemel.engines.kinetics.shapes import Prior, Shape, allowed, weak_prior

MOST_TERMS = 3
STUDENT = 5.0  # degrees of freedom of the proposal: tails heavier than the posterior's
PROPOSALS = 4  # for each draw that is kept


@dataclass(frozen=True)
class Posterior:
    """Draws of the curves of each region, and the weight of each shape (columns in the order of `shapes`)."""

    curves: Curves  # (draws, regions, terms), terms that a shape lacks have c = 0
    weight: Float[Array, "regions shapes"]
    shapes: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def tia_Bq_s(self) -> Float[Array, "draws regions"]:
        """Draws of the time-integrated activity."""
        return self.curves.tia_Bq_s

    @property
    def mean_Bq_s(self) -> Float[Array, "regions"]:
        """Mean time-integrated activity."""
        return np.asarray(self.tia_Bq_s.mean(axis=0))

    @property
    def covariance(self) -> Float[Array, "regions regions"]:
        """Covariance of the time-integrated activities between regions, (Bq s)²."""
        return np.atleast_2d(np.cov(self.tia_Bq_s, rowvar=False))


def posterior(
    scans: Scans,
    physical_s: float,
    *,
    draws: int,
    shapes: Sequence[Shape] = (),
    priors: Mapping[str, Prior] | None = None,
    rng: np.random.Generator,
) -> Posterior:
    """Averaged posterior of each region's curve. `shapes` empty: all that the number of scans allows.

    Each shape: importance resampling from a Student t around the mode. Shapes: exp(-Δ/2) of Akaike's criterion (Burnham & Anderson 2002,
    Model Selection, §2.9), χ² + 2k where the noise is known, k counting what the scans tell and not the prior (Spiegelhalter et al. 2002,
    J R Stat Soc B 64:583), AICc of n·ln(χ²/n) with k + 1 unknowns where its scale is not.
    Raises RangeError when a region's half-life is longer than physical or its scans are too few.
    """
    require_physical(scans, physical_s)
    patterns, group = np.unique(scans.seen, axis=0, return_inverse=True)
    candidates = [tuple(shapes) or allowed(int(p.sum()), sd_known=scans.sd_known) for p in patterns]
    named = {s.name: s for options in candidates for s in options}
    c, rate = np.zeros((draws, len(scans.names), MOST_TERMS)), np.ones((draws, len(scans.names), MOST_TERMS))
    weight = np.zeros((len(scans.names), len(named)))
    for i, pattern in enumerate(patterns):
        rows = np.flatnonzero(group.ravel() == i)
        part = _Group(scans.t_s[pattern], scans.activity_Bq[rows][:, pattern], scans.sd_Bq[rows][:, pattern], scans.sd_known, physical_s)
        curves, shares = _averaged(part, candidates[i], priors or {}, draws, rng)
        c[:, rows], rate[:, rows] = curves.c_Bq, curves.rate_1_s
        columns = np.array([list(named).index(s.name) for s in candidates[i]])
        weight[np.ix_(rows, columns)] = shares
    return Posterior(Curves(c, rate), weight, tuple(named), scans.names)


@dataclass(frozen=True)
class _Group:
    t_s: Array
    activity_Bq: Array
    sd_Bq: Array
    sd_known: bool
    physical_s: float


def _averaged(
    data: _Group, shapes: Sequence[Shape], priors: Mapping[str, Prior], draws: int, rng: np.random.Generator
) -> tuple[Curves, Float[Array, "regions shapes"]]:
    hypotheses = [Hypothesis(s, data.physical_s, priors.get(s.name) or weak_prior(s, data.physical_s)) for s in shapes]
    parts = [_draws_of(data, hypothesis, draws, rng) for hypothesis in hypotheses]
    criterion = np.stack([part[1] for part in parts], axis=1)
    share = np.exp(-0.5 * (criterion - criterion.min(axis=1, keepdims=True)))
    share /= share.sum(axis=1, keepdims=True)
    chosen = _choose(share, draws, rng)
    c = np.choose(chosen[:, :, None], [part[0].c_Bq for part in parts])
    return Curves(c, np.choose(chosen[:, :, None], [part[0].rate_1_s for part in parts])), share


def _choose(share: Float[Array, "regions options"], draws: int, rng: np.random.Generator) -> Int[Array, "draws regions"]:
    """Option of each draw, in proportion to the shares."""
    edges = np.cumsum(share, axis=1)
    at = rng.random((draws, len(share), 1)) * edges[:, -1:]
    return np.asarray((at > edges[:, :-1]).sum(axis=-1))


def _draws_of(data: _Group, hypothesis: Hypothesis, draws: int, rng: np.random.Generator) -> tuple[Curves, Float[Array, "regions"]]:
    """Posterior draws of one shape, (draws, regions, MOST_TERMS), and its criterion."""
    k = hypothesis.shape.parameters
    best = fit(data.t_s, data.activity_Bq, sd_Bq=data.sd_Bq, hypothesis=hypothesis)
    mode = best.log_parameters
    chi2 = (((best.curves.at(data.t_s) - data.activity_Bq) / data.sd_Bq) ** 2).sum(axis=-1)
    scale = np.ones(len(mode)) if data.sd_known else np.maximum(chi2, 1e-12) / max(len(data.t_s) - k, 1)
    told, prior = _information(data, hypothesis, mode, scale)
    spread = np.linalg.cholesky(np.linalg.inv(told + prior))
    counted = np.trace(np.linalg.solve(told + prior, told), axis1=1, axis2=2) if data.sd_known else np.full(len(mode), float(k))
    many = PROPOSALS * draws
    normal, stretch = rng.standard_normal((many, *mode.shape)), np.sqrt(STUDENT / rng.chisquare(STUDENT, (many, len(mode))))
    proposed = mode + np.einsum("rij,drj->dri", spread, normal) * stretch[..., None]
    radius = (normal**2).sum(axis=-1) * stretch**2
    log_weight = _log_posterior(data, hypothesis, proposed) + 0.5 * (STUDENT + k) * np.log1p(radius / STUDENT)
    kept = _resample(log_weight, draws, rng)
    held = curves_of(hypothesis, np.take_along_axis(proposed, kept[..., None], axis=0))
    return _padded(held), _criterion(data, counted, chi2)


def _information(
    data: _Group, hypothesis: Hypothesis, mode: Array, scale: Array
) -> tuple[Float[Array, "regions p p"], Float[Array, "p p"]]:
    """JᵀWJ/s² of the scans, J by central differences of the logarithms, and the prior's precision; 0.1 keeps flat directions finite."""
    step, slopes = 1e-5, []
    for move in step * np.eye(hypothesis.shape.parameters):
        slopes.append(curves_of(hypothesis, mode + move).at(data.t_s) - curves_of(hypothesis, mode - move).at(data.t_s))
    slope = np.stack(slopes, axis=-1) / (2 * step * data.sd_Bq * np.sqrt(scale)[:, None])[..., None]
    return np.einsum("rni,rnj->rij", slope, slope), np.diag(np.maximum(normal_prior(hypothesis)[1], 0.1))


def _log_posterior(data: _Group, hypothesis: Hypothesis, log_parameters: Array) -> Float[Array, "draws regions"]:
    """Up to a constant, as a density of the logarithms; outside the bounds of the rates -inf."""
    mean, precision = normal_prior(hypothesis)
    amplitudes = len(hypothesis.shape.signs)
    offset = log_parameters - mean
    offset[..., :amplitudes] -= np.log(row_scale_Bq(data.activity_Bq))
    predicted = curves_of(hypothesis, log_parameters).at(data.t_s)
    chi2 = (((predicted - data.activity_Bq) / data.sd_Bq) ** 2).sum(axis=-1)
    fitting = -0.5 * chi2 if data.sd_known else -0.5 * len(data.t_s) * np.log(np.maximum(chi2, 1e-12))
    density = fitting - 0.5 * (precision * offset**2).sum(axis=-1)
    low, high = rate_bounds(data.t_s, data.physical_s)
    inside = ((log_parameters[..., amplitudes:] >= low) & (log_parameters[..., amplitudes:] <= high)).all(axis=-1)
    return np.where(inside, density, -np.inf)


def _resample(log_weight: Float[Array, "many regions"], draws: int, rng: np.random.Generator) -> Int[Array, "draws regions"]:
    """Systematic resampling in random order. Kitagawa 1996, J Comput Graph Stat 5:1."""
    weight = np.exp(log_weight - log_weight.max(axis=0))
    edges = np.cumsum(weight, axis=0) / weight.sum(axis=0)
    at = (np.arange(draws)[:, None] + rng.random((1, weight.shape[1]))) / draws
    kept = np.stack([np.searchsorted(edges[:, r], at[:, r]) for r in range(weight.shape[1])], axis=1)
    return rng.permuted(np.minimum(kept, len(weight) - 1), axis=0)


def _padded(curves: Curves) -> Curves:
    missing = MOST_TERMS - curves.c_Bq.shape[-1]
    widths = ((0, 0), (0, 0), (0, missing))
    return Curves(np.pad(curves.c_Bq, widths), np.pad(curves.rate_1_s, widths, mode="edge"))


def _criterion(data: _Group, counted: Float[Array, "regions"], chi2: Array) -> Float[Array, "regions"]:
    if data.sd_known:
        return np.asarray(chi2 + 2.0 * counted)
    n, unknowns = len(data.t_s), counted + 1
    left = n - unknowns - 1
    correction = np.where(left > 0, 2.0 * unknowns * (unknowns + 1) / np.maximum(left, 1.0), 0.0)
    return np.asarray(n * np.log(np.maximum(chi2, 1e-12) / n) + 2.0 * unknowns + correction)
