"""Means of paired differences with intervals that hold for skewed values, and for several differences at once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special

from gemel.core.errors import InputError
from gemel.core.image import Array

DRAWS, BLOCK = 100_000, 2000
"""Draws of the largest |t| of several: its 95 % point is then known to about 0.01."""
FEW = 10
"""Values below which the skewness is too uncertain to correct for: plain Student intervals."""


@dataclass(frozen=True)
class Interval:
    """A mean with the ends of its interval."""

    mean: float
    low: float
    high: float


def skewed_interval(values: Float[Array, "n"], critical: float) -> Interval:
    """Mean with the interval of Hall's cubic transformation g(T) = T + γ(2T² + 1)/(6√n) + γ²T³/(27n) of the Student statistic T.

    Hall 1992, J R Stat Soc B 54:221, eq. 2.5: ends x̄ − s/√n·g⁻¹(±critical), γ the sample skewness; for symmetric values, and for
    fewer than FEW, Student's. `critical` is the two-sided point of T (or of the largest of several |T|). Raises InputError below 2 values.
    """
    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    if n < 2:
        raise InputError(f"{n} values", where="an interval of a mean", remedy="give two or more")
    mean, spread = float(x.mean()), float(x.std(ddof=1))
    skew = skewness(x) if n >= FEW and spread > 1e-12 * float(np.abs(x).max()) else 0.0
    step = spread / np.sqrt(n)
    low, high = (mean - step * _back(end, skew, n) for end in (critical, -critical))
    return Interval(mean, float(low), float(high))


def skewness(x: Float[Array, "n"]) -> float:
    """G₁ = √(n(n − 1))/(n − 2)·m₃/m₂^1.5 of three values or more. Joanes & Gill 1998, Statistician 47:183."""
    n, off = len(x), x - x.mean()
    return float(np.sqrt(n * (n - 1)) / (n - 2) * (off**3).mean() / (off**2).mean() ** 1.5)


def _back(x: float, skew: float, n: int) -> float:
    """g⁻¹(x) = 3√n/γ·((1 + γ(x/√n − γ/(6n)))^⅓ − 1)."""
    if abs(skew) < 1e-6:
        return x
    root = np.sqrt(n)
    return float(3 * root / skew * (np.cbrt(1 + skew * (x / root - skew / (6 * n))) - 1))


def critical_value(differences: Float[Array, "n k"], level: float = 0.95) -> float:
    """c with P(|T_j| ≤ c for all j) = level, T_j the Student statistics of k differences as correlated as these.

    The single-step max-t method (Hothorn, Bretz & Westfall 2008, Biom J 50:346, sec. 3.1), each T_j with a variance of its own, as rows
    that come in pairs have; for one difference Student's point exactly. It is the same in every run, and lies between Student's point
    and Bonferroni's. Differences without spread do not count.
    """
    x = np.asarray(differences, dtype=np.float64)
    spread = x.std(axis=0, ddof=1)
    held = x[:, spread > 1e-12 * np.maximum(1.0, np.abs(x).max(axis=0))]
    freedom, k = len(x) - 1, held.shape[1]
    alone = float(special.stdtrit(freedom, 0.5 + level / 2))
    if k < 2:
        return alone
    most = float(special.stdtrit(freedom, 1 - (1 - level) / (2 * k)))
    return float(np.clip(np.quantile(_largest(np.asarray(np.corrcoef(held.T)), freedom), level), alone, most))


def _largest(correlation: Float[Array, "k k"], freedom: int) -> Float[Array, "draws"]:
    """Draws of max_j |z_j|/√(W_jj/f), z normal and W Wishart with f degrees of freedom, both of this correlation.

    Differences among a few arms depend on each other: with r of them independent, z = B·u and W = B·A·Aᵀ·Bᵀ, B (k, r), A by Bartlett's
    decomposition (Odell & Feiveson 1966, JASA 61:199).
    """
    rng = np.random.default_rng(1)
    values, vectors = np.linalg.eigh(correlation)
    kept = values > 1e-9 * values[-1]
    root = vectors[:, kept] * np.sqrt(values[kept])
    return np.concatenate([_some(root, freedom, rng) for _ in range(DRAWS // BLOCK)])


def _some(root: Float[Array, "k r"], freedom: int, rng: np.random.Generator) -> Float[Array, "draws"]:
    r = root.shape[1]
    lower = np.tril(rng.standard_normal((BLOCK, r, r)), -1)
    for i in range(r):
        lower[:, i, i] = np.sqrt(rng.chisquare(max(freedom - i, 1), BLOCK))
    variance = np.square(root @ lower).sum(axis=2) / freedom
    return np.asarray((np.abs(rng.standard_normal((BLOCK, r)) @ root.T) / np.sqrt(variance)).max(axis=1))
