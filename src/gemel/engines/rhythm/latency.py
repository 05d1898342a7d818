"""Is an answer in time? The chain from a measurement to the act it steers, and the spread of what the calculation took."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array

BUDGET_S = 0.050


@dataclass(frozen=True)
class Latency:
    """Median, 99th percentile and worst of the durations of an update."""

    median_s: float
    p99_s: float
    worst_s: float


@dataclass(frozen=True)
class Chain:
    """From motion to act: sensing, calculating (its 99th percentile), acting."""

    sense_s: float
    update_s: float
    act_s: float

    @property
    def total_s(self) -> float:
        """Age of the anatomy when the act begins."""
        return self.sense_s + self.update_s + self.act_s


def measured(durations_s: Float[Array, "n"]) -> Latency:
    """Percentiles of durations."""
    middle, late = np.percentile(durations_s, [50, 99])
    return Latency(float(middle), float(late), float(np.max(durations_s)))


def require_in_time(durations_s: Float[Array, "n"], budget_s: float = BUDGET_S) -> Latency:
    """The percentiles; raises RangeError when the 99th is over the budget."""
    latency = measured(durations_s)
    if latency.p99_s > budget_s:
        found = f"1 % of updates over {1e3 * latency.p99_s:.1f} ms (budget {1e3 * budget_s:.0f} ms)"
        raise RangeError(found, where="latency", remedy="take fewer periods on the ladder, fewer samples a second, or a free core")
    return latency


def require_reach(chain: Chain, horizon_s: float) -> None:
    """Raises RangeError when the forecast ends before the act begins. Keall et al. 2006, Med Phys 33:3874: account for the delay."""
    if chain.total_s > horizon_s:
        found = f"a chain of {1e3 * chain.total_s:.0f} ms behind a forecast of {1e3 * horizon_s:.0f} ms"
        raise RangeError(found, where="latency", remedy="forecast further ahead, or hold the beam")
