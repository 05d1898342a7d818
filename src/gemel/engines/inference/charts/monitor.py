"""Several charts on one vector of metrics: for each component of a state an EWMA and a CUSUM of the score that shows it best.

Metrics are whitened by their own level and spread, and a memory that is drawn towards that of the others (`memory`). The score of
component c on a day: Σ h_mc e_m over √Σ h_mc², e the whitened metrics, h what a component that stays does to them, H_mc (1 − φ_m)/σ_m:
the best linear look at it in independent errors. The limits keep the promised run length together (`joint`).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.engines.inference.charts.baseline import FEWEST, Baseline, fit, whitened
from gemel.engines.inference.charts.chart import Chart, Charted, run
from gemel.engines.inference.charts.joint import joint_limits
from gemel.engines.inference.charts.memory import Memory, pooled

CONFIDENCE = 0.93
"""Of draws, where nine sites of ten are promised: how alike memories are is an estimate itself (`memory`)."""
LAM, K = 0.2, 1.0
"""Of the EWMA, for slow changes, and of the CUSUM, for sudden ones; a smaller k cannot be kept with a level from thirty days."""


@dataclass(frozen=True)
class Monitor:
    """Metrics' baselines (rows: level, memory, innovations' sd), and the limits of EWMA and CUSUM of each score."""

    response: Float[Array, "m d"]
    metrics: Float[Array, "m 3"]
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
    memory = _memory(y[:, whole])
    metrics[whole] = [_row(fit(column, float(phi))) for column, phi in zip(y[:, whole].T, memory.phi)]
    answers = np.where(whole[:, None], response, 0.0)
    shown = np.abs(answers).sum(axis=0) > 0
    residuals = innovations(y, metrics)[:, whole]
    sums = _sums(answers, metrics)[whole][:, shown]
    limits = np.full((response.shape[1], 2), np.nan)
    limits[shown] = joint_limits(residuals, memory, sums, weights=(LAM, K), run_length_d=run_length_d, confidence=confidence, rng=rng)
    return Monitor(answers, metrics, limits, len(y), run_length_d)


def watch(held: Monitor, later: Float[Array, "days m"], days_d: Float[Array, "days"]) -> Watch:
    """The charts over later days, in order, from the start; `days_d`: their times in days. A day without some metrics is scored without."""
    z = scored(held, later, days_d)
    charts, alarm = {}, np.zeros(len(z), dtype=bool)
    for c in np.flatnonzero(held.charted):
        pair = tuple(run(Chart(kind, w, float(limit)), z[:, c]) for kind, w, limit in zip(("ewma", "cusum"), (LAM, K), held.limits[c]))
        charts[int(c)], alarm = (pair[0], pair[1]), alarm | pair[0].alarm | pair[1].alarm
    return Watch(charts, alarm)


def scored(held: Monitor, later: Float[Array, "days m"], days_d: Float[Array, "days"]) -> Float[Array, "days d"]:
    """Scores of unit variance in control; 0 on a day that shows nothing of a component."""
    left = innovations(np.asarray(later, dtype=np.float64), held.metrics, np.asarray(days_d, dtype=np.float64))
    h, seen = _responses(held.response, held.metrics), np.isfinite(left)
    size = seen @ np.square(h)
    return np.asarray(np.where(seen, left, 0.0) @ h / np.sqrt(np.where(size > 0, size, 1.0)))


def innovations(
    y: Float[Array, "days m"], metrics: Float[Array, "m 3"], days_d: Float[Array, "days"] | None = None
) -> Float[Array, "days m"]:
    """Each metric whitened by its row (level, memory, sd) over the days that show it, whatever lies between; NaN on the others."""
    found, at = np.full(y.shape, np.nan), np.arange(len(y), dtype=np.float64) if days_d is None else days_d
    for m in np.flatnonzero(np.isfinite(metrics).all(axis=1)):
        seen = np.isfinite(y[:, m])
        level, phi, sd = (float(v) for v in metrics[m])
        gaps = np.diff(at[seen], prepend=at[seen][:1] - 1.0)
        found[seen, m] = whitened(Baseline(level, phi, sd, len(y)), y[seen, m], gaps)
    return found


def _memory(y: Float[Array, "days m"]) -> Memory:
    """Of metrics that were measured on every day."""
    own = tuple(fit(column) for column in y.T)
    return pooled(own, np.stack([whitened(one, column) for one, column in zip(own, y.T)], axis=1))


def _responses(response: Float[Array, "m d"], metrics: Float[Array, "m 3"]) -> Float[Array, "m d"]:
    """What a unit of each component that stays does to each metric's innovations; 0 for metrics without a row."""
    _, memory, sd = metrics.T
    return np.nan_to_num(response * ((1 - memory) / sd)[:, None])


def _sums(response: Float[Array, "m d"], metrics: Float[Array, "m 3"]) -> Float[Array, "m d"]:
    """Weights of the scores on a day that shows every metric."""
    h = _responses(response, metrics)
    size = np.linalg.norm(h, axis=0)
    return np.asarray(h / np.where(size > 0, size, 1.0))


def in_innovations(held: Monitor, later: Float[Array, "days m"]) -> tuple[Float[Array, "days m"], Float[Array, "m d"], Float[Array, "m"]]:
    """Departures and response in units of each metric's innovations, and its memory: what `faults` takes. NaN: not charted, not seen."""
    level, memory, sd = held.metrics.T
    return (later - level) / sd, np.nan_to_num(held.response / sd[:, None]), np.nan_to_num(memory)


def _row(found: Baseline) -> tuple[float, float, float]:
    return found.mean, found.phi, found.sd


def first_alarm(found: Bool[Array, "days"]) -> int:
    """The first day on which any chart alarmed, or -1."""
    at = np.flatnonzero(found)
    return int(at[0]) if len(at) else -1
