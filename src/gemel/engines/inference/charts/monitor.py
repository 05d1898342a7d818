"""Several charts on one vector of metrics: for each component of a state an EWMA and a CUSUM of the score that shows it best.

The score of component c on a day: Σ H_mc y_m/σ_m² over √(Σ H_mc²/σ_m²), the best linear look at it in independent errors. Each is
whitened by its own level and memory, and charted with limits that together keep the promised run length: each chart promises as many
times that as there are charts (Bonferroni), which holds however they depend on each other.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.engines.inference.charts.baseline import FEWEST, Baseline, fit, whitened
from gemel.engines.inference.charts.chart import Chart, Charted, run
from gemel.engines.inference.charts.guaranteed import CONFIDENCE, guaranteed_limit

LAM, K = 0.2, 1.0
"""Of the EWMA, for slow changes, and of the CUSUM, for sudden ones; a smaller k cannot be kept with a level from thirty days."""
SILENT = 1e9
"""The limit of a chart that cannot keep the promise with its baseline: it never alarms."""


@dataclass(frozen=True)
class Monitor:
    """Metrics' baselines (rows: level, memory, innovations' sd), scores' (the same), and the limits of EWMA and CUSUM of each score."""

    response: Float[Array, "m d"]
    metrics: Float[Array, "m 3"]
    scores: Float[Array, "d 3"]
    limits: Float[Array, "d 2"]
    days: int
    run_length_d: float

    @property
    def charted(self) -> Bool[Array, "d"]:
        """Components that the metrics show at all."""
        return np.asarray(np.isfinite(self.limits).all(axis=1))


@dataclass(frozen=True)
class Watch:
    """The charts of each component by its place (EWMA, CUSUM), and the days on which any alarmed."""

    charts: dict[int, tuple[Charted, Charted]]
    alarm: Bool[Array, "days"]


def monitor(
    first: Float[Array, "days m"],
    response: Float[Array, "m d"],
    *,
    run_length_d: float,
    confidence: float = CONFIDENCE,
    rng: np.random.Generator,
) -> Monitor:
    """Charts from a baseline of consecutive days; a metric with a NaN in it is left out, and what only it shows is not charted.

    Raises InputError for fewer days than the charts need, or nothing to chart.
    """
    y = np.asarray(first, dtype=np.float64)
    if len(y) < FEWEST:
        raise InputError(f"{len(y)} baseline days", where="control charts", remedy=f"measure at least {FEWEST} days, better 30")
    whole = np.asarray(np.isfinite(y).all(axis=0))
    if not whole.any():
        raise InputError("no metric measured on every baseline day", where="control charts", remedy="repeat the days that lack it")
    metrics = np.full((y.shape[1], 3), np.nan)
    for i in np.flatnonzero(whole):
        metrics[i] = _row(fit(y[:, i]))
    answers = np.where(whole[:, None], response, 0.0)
    shown = np.flatnonzero(np.abs(answers).sum(axis=0) > 0)
    scores, limits = np.full((response.shape[1], 3), np.nan), np.full((response.shape[1], 2), np.nan)
    seen = _scores(y, answers, metrics)
    each = run_length_d * 2 * len(shown)
    for c in shown:
        found = fit(seen[:, c])
        scores[c] = _row(found)
        for j, (kind, weight) in enumerate((("ewma", {"lam": LAM}), ("cusum", {"k": K}))):
            try:
                limits[c, j] = guaranteed_limit(kind, each, found, confidence=confidence, rng=rng, **weight)
            except InputError:  # days that remember too much for this chart: the other one goes on
                limits[c, j] = SILENT
    if not (limits < SILENT).any():
        raise InputError(f"{len(y)} baseline days", where="control charts", remedy="no chart can keep its promise: measure more days")
    return Monitor(answers, metrics, scores, limits, len(y), run_length_d)


def watch(held: Monitor, later: Float[Array, "days m"], days_d: Float[Array, "days"]) -> Watch:
    """The charts over later days, in order, from the start; `days_d`: their times in days. A day without some metrics is scored without."""
    seen = _scores(np.asarray(later, dtype=np.float64), held.response, held.metrics)
    gaps = np.diff(np.asarray(days_d, dtype=np.float64), prepend=days_d[:1] - 1.0)
    charts, alarm = {}, np.zeros(len(seen), dtype=bool)
    for c in np.flatnonzero(held.charted):
        mean, phi, sd = (float(v) for v in held.scores[c])
        found = Baseline(mean, phi, sd, held.days)
        z = whitened(found, np.nan_to_num(seen[:, c], nan=found.mean), gaps)
        pair = (run(Chart("ewma", LAM, float(held.limits[c, 0])), z), run(Chart("cusum", K, float(held.limits[c, 1])), z))
        charts[int(c)], alarm = pair, alarm | pair[0].alarm | pair[1].alarm
    return Watch(charts, alarm)


def in_innovations(held: Monitor, later: Float[Array, "days m"]) -> tuple[Float[Array, "days m"], Float[Array, "m d"], Float[Array, "m"]]:
    """Departures and response in units of each metric's innovations, and its memory: what `faults` takes. NaN: not charted, not seen."""
    level, memory, sd = held.metrics.T
    return (later - level) / sd, np.nan_to_num(held.response / sd[:, None]), np.nan_to_num(memory)


def _row(found: Baseline) -> tuple[float, float, float]:
    return found.mean, found.phi, found.sd


def _scores(y: Float[Array, "days m"], response: Float[Array, "m d"], metrics: Float[Array, "m 3"]) -> Float[Array, "days d"]:
    """NaN where a day shows nothing of a component. Errors of a metric are those of its whole spread, innovations and memory."""
    level, memory, sd = metrics.T
    precision = np.nan_to_num((1.0 - memory**2) / sd**2)
    off = y - level
    seen = np.isfinite(off)
    weighted = np.where(seen, off, 0.0) @ (response * precision[:, None])
    size = seen @ (np.square(response) * precision[:, None])
    return np.asarray(np.where(size > 0, weighted / np.sqrt(np.where(size > 0, size, 1.0)), np.nan))


def first_alarm(found: Bool[Array, "days"]) -> int:
    """The first day on which any chart alarmed, or -1."""
    at = np.flatnonzero(found)
    return int(at[0]) if len(at) else -1
