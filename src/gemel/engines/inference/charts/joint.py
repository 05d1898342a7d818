"""Limits of many charts that together keep a run length: their alarms are counted on series drawn from what the baseline leaves open.

Streams are whitened by the site's own estimates, and scores are fixed sums of what is left. The true level, memory and covariance of the
streams are drawn about the estimates: Σ = S^½ W⁻¹ S^½, W Wishart of n + m − 4 degrees (the inverse-Wishart posterior, each variance that
of a stream alone), level of error Σ/n/(1 − φ)², memory as `pooled` leaves it. On each draw's series the charts are run, all restarted
after every alarm. A score's limits are the textbook's times the spread that its EWMA may have, times a factor with which all EWMAs
alone (all CUSUMs alone) would keep twice the run length, times one with which all together keep it, in the asked share of draws.
Gandy & Kvaløy 2013, Scand J Stat 40:647, for one chart; jointly here.
"""

from collections.abc import Callable
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Int
from numba import njit, prange
from scipy import signal

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.engines.inference.charts.baseline import STEADIEST
from gemel.engines.inference.charts.memory import Memory
from gemel.engines.inference.charts.run_length import limit_for

DRAWS, DAYS_A_RUN, BURN_d = 120, 16.0, 60
"""Draws of the truth, days simulated for each as so many run lengths, and days before the charts begin."""
MOST_d = 16_000
LEAST, MOST, CLOSE = 0.4, 8.0, 0.015
"""Factors between which the limits are looked for, and how closely."""
SILENT = 1e9
"""The limit of charts of a kind that cannot keep the promise with their baseline: they never alarm."""


def joint_limits(
    residuals: Float[Array, "days m"],
    memory: Memory,
    sums: Float[Array, "m d"],
    *,
    weights: tuple[float, float],
    run_length_d: float,
    confidence: float,
    rng: np.random.Generator,
) -> Float[Array, "d 2"]:
    """Limits of EWMA (asymptotic sd) and CUSUM (h) of each score, residuals @ sums.

    `residuals`: of the whitened baseline; `weights`: λ and k.

    Raises InputError where no limits keep the promise: days that are too few or remember too much.
    """
    z = drawn(residuals, memory, sums, min(round(DAYS_A_RUN * run_length_d), MOST_d) + BURN_d, rng=rng)
    lam, k = weights
    spread = np.quantile(spreads(z, lam), confidence, axis=0)
    shape = np.outer(spread, (limit_for("ewma", run_length_d, lam=lam), limit_for("cusum", run_length_d, k=k)))

    def factor(limits: Float[Array, "d 2"], wanted_d: float) -> float:
        return _factor(lambda f: _kept_d(z, f * limits, weights, confidence) >= wanted_d)

    alone = [factor(np.where(np.arange(2) == kind, shape, np.inf), 2 * run_length_d) for kind in (0, 1)]
    both = np.where(np.isfinite(alone), shape * np.array(alone), SILENT)
    found = factor(both, run_length_d)
    if not np.isfinite(alone).any() or not np.isfinite(found):
        remedy = f"measure more baseline days, or promise fewer than {run_length_d:g} days"
        raise InputError(f"{len(residuals)} baseline days whose charts cannot keep a promise", where="control charts", remedy=remedy)
    return np.asarray(np.minimum(found * both, SILENT))


def _kept_d(z: Float32[Array, "draws days d"], limits: Float[Array, "d 2"], weights: tuple[float, float], confidence: float) -> float:
    """The run length that is kept in a share `confidence` of draws."""
    runs = (z.shape[1] - BURN_d) / np.maximum(count(z, limits, weights), 0.5)
    return float(np.quantile(runs, 1 - confidence))


def _factor(kept: Callable[[float], bool]) -> float:
    """The least factor between LEAST and MOST that is enough; infinite where none is."""
    low, high = LEAST, MOST
    if not kept(high):
        return float("inf")
    while high / low > 1 + CLOSE:
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if kept(middle) else (middle, high)
    return high


def drawn(
    residuals: Float[Array, "days m"], memory: Memory, sums: Float[Array, "m d"], days: int, *, rng: np.random.Generator
) -> Float32[Array, "draws later d"]:
    """Scores of later days in control as the site's whitening would leave them, for draws of the truth; in the site's own spreads."""
    n, m = residuals.shape
    used, root = memory.phi, _roots(residuals, rng)
    size = np.sqrt(np.square(root).sum(axis=2))
    error = memory.own_sd * rng.standard_normal((DRAWS, m)) + memory.shared_sd * rng.standard_normal((DRAWS, 1))
    phi = np.clip(used + size * error, -STEADIEST, STEADIEST)
    level = np.einsum("bij,bj->bi", root, rng.standard_normal((DRAWS, m))) / np.sqrt(n) / (1 - phi)
    z = np.empty((DRAWS, days, sums.shape[1]), dtype=np.float32)
    for b in range(DRAWS):  # one draw at a time, for the memory that all take together
        innovations = rng.standard_normal((days, m), dtype=np.float32) @ root[b].T.astype(np.float32)
        left = [signal.lfilter((1.0, -u), (1.0, -p), row) + (1 - u) * e for u, p, row, e in zip(used, phi[b], innovations.T, level[b])]
        z[b] = np.stack(left, axis=1) @ sums
    return z


def _roots(residuals: Float[Array, "days m"], rng: np.random.Generator) -> Float[Array, "draws m m"]:
    """R with R Rᵀ = Σ for each draw of the covariance. Streams that are alike make S singular, which does no harm here."""
    n, m = residuals.shape
    size, axes = np.linalg.eigh(np.atleast_2d(np.corrcoef(residuals, rowvar=False)))
    normal = rng.standard_normal((DRAWS, n + m - 4, m))
    lower = np.linalg.cholesky(normal.transpose(0, 2, 1) @ normal)
    return np.sqrt(n - 3) * (axes * np.sqrt(np.maximum(size, 0.0))) @ np.linalg.inv(lower).transpose(0, 2, 1)


def spreads(z: Float32[Array, "draws days d"], lam: float) -> Float[Array, "draws d"]:
    """Root mean square of each score's EWMA over that of a chart whose estimates are right."""
    w = signal.lfilter((lam,), (1.0, lam - 1.0), z[:, : max(BURN_d * 20, 1), :], axis=1)[:, BURN_d:]
    return np.asarray(np.sqrt(np.square(w).mean(axis=1) * (2 - lam) / lam))


def count(z: Float32[Array, "draws days d"], limits: Float[Array, "d 2"], weights: tuple[float, float]) -> Int[Array, "draws"]:
    """Alarms of all charts together after BURN_d days, each of which restarts them all."""
    lam, k = weights
    level = np.array(limits, dtype=np.float64)
    level[:, 0] *= np.sqrt(lam / (2 - lam))
    out = np.zeros(len(z), dtype=np.int64)
    _count(z, level, (float(lam), float(k), BURN_d), out)
    return out


@njit(parallel=True, cache=True)
@no_type_check
def _count(z, level, chart, out):
    """Alarms by draw; level (d, 2): of EWMA and CUSUM; chart: λ, k, days before the charts begin."""
    lam, k, burn = chart
    d = z.shape[2]
    for b in prange(z.shape[0]):
        w, up, down = np.zeros(d), np.zeros(d), np.zeros(d)
        for t in range(burn, z.shape[1]):
            alarm = False
            for s in range(d):
                w[s] = (1.0 - lam) * w[s] + lam * z[b, t, s]
                up[s] = max(0.0, up[s] + z[b, t, s] - k)
                down[s] = max(0.0, down[s] - z[b, t, s] - k)
                alarm |= abs(w[s]) > level[s, 0] or up[s] > level[s, 1] or down[s] > level[s, 1]
            if alarm:
                out[b] += 1
                w[:], up[:], down[:] = 0.0, 0.0, 0.0
