"""One chart run over daily values: what it says each day, and when it alarms."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.image import Array
from gemel.engines.inference.charts.run_length import checked


@dataclass(frozen=True)
class Chart:
    """kind `ewma` (weight: lam) or `cusum` (weight: k), with its limit (L in asymptotic standard deviations, or h)."""

    kind: str
    weight: float
    limit: float

    def __post_init__(self) -> None:
        checked(self.kind, {"lam": self.weight, "limit": self.limit} if self.kind == "ewma" else {"k": self.weight, "h": self.limit})


@dataclass(frozen=True)
class Charted:
    """What was charted each day, the level beyond which it alarms, and the days on which it did."""

    statistic: Float[Array, "days"]
    level: float
    alarm: Bool[Array, "days"]


def run(chart: Chart, residuals: Float[Array, "days"]) -> Charted:
    """The chart over whitened residuals from its start. EWMA: signed; CUSUM: the larger side, signed. It is not restarted by an alarm."""
    z = np.asarray(residuals, dtype=np.float64)
    if chart.kind == "ewma":
        found, level = _ewma(chart.weight, z), chart.limit * float(np.sqrt(chart.weight / (2.0 - chart.weight)))
    else:
        found, level = _cusum(chart.weight, z), chart.limit
    return Charted(found, level, np.abs(found) > level)


def _ewma(lam: float, z: Float[Array, "days"]) -> Float[Array, "days"]:
    """w ← (1 − λ) w + λ z. Roberts 1959, Technometrics 1:239."""
    found, w = np.empty_like(z), 0.0
    for i, value in enumerate(z):
        w = (1.0 - lam) * w + lam * value
        found[i] = w
    return found


def _cusum(k: float, z: Float[Array, "days"]) -> Float[Array, "days"]:
    """u ← max(0, u + z − k), d ← max(0, d − z − k). Page 1954, Biometrika 41:100."""
    found, up, down = np.empty_like(z), 0.0, 0.0
    for i, value in enumerate(z):
        up, down = max(0.0, up + value - k), max(0.0, down - value - k)
        found[i] = up if up >= down else -down
    return found
