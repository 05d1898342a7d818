"""Limits with which a site keeps its promised run length, although level, memory and spread are estimates from few days.

A site's chart runs on residuals whitened with its own estimates. Given the true values its residuals have mean a and, over the span
that a chart remembers, standard deviation b; the limit that it needs follows from the run length of an exact chart after a shift a/b.
Drawing the true values from their posterior (flat in level, memory and ln spread) gives a distribution of needed limits; its upper
quantile keeps the promise at that share of sites. Albers & Kallenberg 2004, Metrika 59:207 (estimated limits); Gandy & Kvaløy 2013,
Scand J Stat 40:647 (guaranteed conditional performance by parametric draws).
"""

from functools import cache

import numpy as np
from jaxtyping import Float
from scipy import interpolate

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.engines.inference.charts.baseline import STEADIEST, Baseline
from gemel.engines.inference.charts.run_length import LIMIT, LONGEST, bounded

DRAWS = 2000
CONFIDENCE = 0.93
"""Asked for where 0.9 is promised: the spread over a chart's span is an approximation, good to about 0.02 of sites."""
SHIFTS = np.array([0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.1, 1.5])
SPREADS = np.array([0.5, 0.75, 1.0, 1.3, 1.8, 2.6, 4.0])
LIMITS = np.array([0.3, 0.6, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.5, 8.5, 11.0, 15.0, 20.0, 28.0, 40.0])
"""Grid on which run lengths are tabulated: a/b, b, and the limit."""
UNKEPT = 20.0
"""ln of the limit where none up to the largest keeps the promise."""
MEMORY_d = 400


def guaranteed_limit(
    kind: str, arl0: float, baseline: Baseline, *, confidence: float = CONFIDENCE, rng: np.random.Generator, **params: float
) -> float:
    """The limit (h of a CUSUM) with which the true in-control run length is at least `arl0` at a share `confidence` of such sites.

    `kind`: `ewma` (lam) or `cusum` (k); days are normal. Raises InputError where no limit can keep the promise: too few days.
    """
    if not 0.5 <= confidence < 1:
        raise RangeError(f"a confidence of {confidence:g}", where=kind, remedy="choose 0.5 or more, below 1")
    if kind not in ("ewma", "cusum"):
        raise InputError(f"a guaranteed limit of kind {kind!r}", where="charts", remedy="choose from ewma, cusum")
    mean, phi, sd = _truths(baseline, rng)
    spread = _spread(kind, baseline.phi, phi, sd, **params)
    shift = (1 - baseline.phi) * np.abs(mean) / spread
    needed = _looked_up(kind, float(arl0), tuple(sorted(params.items())))
    inside = np.clip(np.stack([shift, spread], axis=1), (0.0, SPREADS[0]), (SHIFTS[-1], SPREADS[-1]))
    limits = spread * np.exp(needed(inside))
    limits[(shift > SHIFTS[-1]) | (spread > SPREADS[-1])] = np.inf
    found = float(np.quantile(limits, confidence, method="higher"))
    if not np.isfinite(found) or found > 1e6:
        remedy = f"measure more baseline days, promise a run length below {arl0:g}, or choose a larger k"
        raise InputError(f"{baseline.days} baseline days with memory {baseline.phi:.2f}", where=f"{kind} chart", remedy=remedy)
    return found


def _truths(baseline: Baseline, rng: np.random.Generator) -> tuple[Float[Array, "n"], Float[Array, "n"], Float[Array, "n"]]:
    """Draws of the true level, memory and spread (of innovations) in units of the site's own, about its estimates."""
    n = baseline.days
    variance = (n - 3) / rng.chisquare(n - 3, DRAWS)
    phi = baseline.phi + np.sqrt(variance * (1 - baseline.phi**2) / n) * rng.standard_normal(DRAWS)
    phi = np.clip(phi, -STEADIEST, STEADIEST)
    return np.sqrt(variance / n) / (1 - phi) * rng.standard_normal(DRAWS), phi, np.sqrt(variance)


def _spread(kind: str, used: float, phi: Float[Array, "n"], sd: Float[Array, "n"], **params: float) -> Float[Array, "n"]:
    """Standard deviation over a chart's span of sd·(1 − φ̂B)/(1 − φB) ε against that of ε: an EWMA's own, a CUSUM's in the long run."""
    if kind == "cusum":
        return np.asarray(sd * (1 - used) / (1 - phi))
    lam = params["lam"]
    days = np.arange(min(MEMORY_d, int(12 / lam) + 60))
    keep = (1 - lam) ** days
    filtered = np.empty((len(phi), len(days)))
    filtered[:, 0] = 1.0
    state = np.ones(len(phi))  # Σ_j (1 − λ)^(t−j) φ^j, the EWMA of the impulse response of 1/(1 − φB)
    for t in days[1:]:
        before = state
        state = phi * state + keep[t]
        filtered[:, t] = state - used * before
    return np.asarray(sd * np.sqrt(np.square(filtered).sum(axis=1) * (1 - (1 - lam) ** 2)))


def _looked_up(kind: str, arl0: float, params: tuple[tuple[str, float], ...]) -> interpolate.RegularGridInterpolator:
    """ln of the limit that a chart of standard values needs after a shift, by shift and spread (which divides k)."""
    rows = _run_lengths(kind, params)
    table = np.array([[_needed(np.log(arl0), column) for column in row] for row in rows])
    return interpolate.RegularGridInterpolator((SHIFTS, SPREADS), table, method="linear")


def _needed(ln_arl0: float, ln_runs: Float[Array, "limits"]) -> float:
    """ln limit at a run length, monotone between LIMITS; beyond them what no chart can keep."""
    told = np.flatnonzero(np.diff(ln_runs, prepend=-1.0) > 1e-6)
    if ln_arl0 > ln_runs[told[-1]]:
        return UNKEPT
    return float(interpolate.PchipInterpolator(ln_runs[told], np.log(LIMITS[told]))(ln_arl0))


@cache
def _run_lengths(kind: str, params: tuple[tuple[str, float], ...]) -> Float[Array, "shifts spreads limits"]:
    """ln run length on the grid of shifts, spreads and LIMITS; an EWMA's does not depend on the spread, which scales its limit."""
    held = dict(params)
    found = np.empty((len(SHIFTS), len(SPREADS), len(LIMITS)))
    for j, spread in enumerate(SPREADS):
        if kind == "ewma" and j:
            found[:, j] = found[:, 0]
            continue
        scaled = {name: value / spread if name == "k" else value for name, value in held.items()}
        for i, shift in enumerate(SHIFTS):
            found[i, j] = _ln_runs(kind, float(shift), scaled)
    return found


def _ln_runs(kind: str, shift: float, params: dict[str, float]) -> Float[Array, "limits"]:
    """ln run length over LIMITS, which it rises with: from the first that reaches LONGEST on, that."""
    found = np.full(len(LIMITS), np.log(LONGEST))
    for i, limit in enumerate(LIMITS):
        length = bounded(kind, shift, {**params, LIMIT[kind]: float(limit)})
        if length >= LONGEST:
            break
        found[i] = np.log(length)
    return found
