"""Are ranks uniform on [0, 1]? A χ² test, a simultaneous band of the distribution function, and a test that may be looked at daily."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import special

from gemel.core.image import Array

POINTS = 50
SHAPES = tuple((a, b) for a in (0.5, 0.7, 1.0, 1.4, 2.0) for b in (0.5, 0.7, 1.0, 1.4, 2.0) if (a, b) != (1.0, 1.0))
"""Alternatives of `evidence_against`: Beta densities of ranks too spread (both below 1), too narrow (both above 1), or one-sided."""
EDGE = 1e-3
"""Ranks of some hundred draws are known to about this much; those nearer to 0 or 1 count as this."""


def chi_square_p(ranks: Float[Array, "n"], bins: int = 10) -> float:
    """p of the χ² test that ranks are uniform. Talts et al. 2018, arXiv:1804.06788 (simulation-based calibration)."""
    counts, _ = np.histogram(ranks, bins=bins, range=(0, 1))
    expected = counts.sum() / bins
    return float(special.chdtrc(bins - 1, np.square(counts - expected).sum() / expected))


def band_p(ranks: Float[Array, "n"], points: int = POINTS) -> float:
    """p of the simultaneous band test: the narrowest band of the empirical distribution function that the ranks leave.

    At z_k = k/points the count of ranks R_k is binomial; γ is the smallest two-sided tail over k, and p = P(smallest tail ≤ γ), exact.
    Säilynoja, Bürkner & Vehtari 2022, Stat Comput 32:32, sec. 2. No ranks at all: p = 1.
    """
    held = np.asarray(ranks, dtype=np.float64)
    if len(held) == 0:
        return 1.0
    z = np.arange(1, points) / points
    seen = np.searchsorted(np.sort(held), z, side="right")
    tails = _two_sided(len(held), z)
    gamma = tails[np.arange(points - 1), seen].min()
    return float(np.clip(1 - _inside(tails > gamma * (1 + 1e-9)), 0.0, 1.0))


def _two_sided(n: int, z: Float[Array, "k"]) -> Float[Array, "k n1"]:
    """Two-sided tail probability of each count 0..n at each point."""
    below = special.bdtr(np.arange(n + 1.0)[None], n, z[:, None])
    above = special.bdtrc(np.arange(-1.0, n)[None], n, z[:, None])
    return np.asarray(2 * np.minimum(below, above))


def _inside(allowed: Bool[Array, "k n1"]) -> float:
    """P(uniform counts stay among the allowed ones): counts of equal bins are Poisson given their total, so steps are convolutions."""
    n = allowed.shape[1] - 1
    step = _poisson(np.arange(n + 1.0), n / (len(allowed) + 1))
    held = np.zeros(n + 1)
    held[0] = 1.0
    for row in allowed:
        held = np.convolve(held, step)[: n + 1] * row
    return float(np.convolve(held, step)[n] / _poisson(np.array([float(n)]), n)[0])


def _poisson(counts: Float[Array, "k"], mean: float) -> Float[Array, "k"]:
    """Probability of each count, e^(k·ln μ − μ − ln k!)."""
    return np.asarray(np.exp(special.xlogy(counts, mean) - mean - special.gammaln(counts + 1)))


def evidence_against(ranks: Float[Array, "n"]) -> float:
    """Evidence (an e-value) against uniform ranks, valid however often one looks: under uniform ranks P(ever ≥ 1/α) ≤ α.

    E = mean over SHAPES of Π_i Beta(rank_i; a, b), each a martingale when every rank is uniform given those before it.
    Ville 1939 (maximal inequality); Arnold, Henzi & Ziegel 2023, Ann Appl Stat 17:1909 (forecast calibration).
    """
    held = np.clip(np.asarray(ranks, dtype=np.float64), EDGE, 1 - EDGE)
    a, b = np.array(SHAPES).T
    logs = (a - 1) * np.log(held).sum() + (b - 1) * np.log1p(-held).sum() - len(held) * special.betaln(a, b)
    return float(np.exp(np.minimum(special.logsumexp(logs) - np.log(len(SHAPES)), 700.0)))
