"""Has the resting position moved? Means over whole cycles, before and now."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from gemel.core.errors import RangeError
from gemel.engines.rhythm.signal import Signal

FEWEST_BLOCKS = 3
SURE = 0.95


@dataclass(frozen=True)
class Shift:
    """Displacement of the mean position, its standard error, and the probability that it is beyond the tolerance."""

    mean_mm: float
    sd_mm: float
    probability: float

    @property
    def alarm(self) -> bool:
        """Beyond the tolerance with 95 % probability."""
        return self.probability >= SURE


def displaced(reference: Signal, recent: Signal, *, period_s: float, tolerance_mm: float) -> Shift:
    """Difference of means over blocks of one period, judged by Welch's t (1947, Biometrika 34:28): cycles are the independent unit.

    Raises RangeError when either part holds fewer than three periods.
    """
    before, now = (_blocks_mm(part, period_s) for part in (reference, recent))
    mean_mm = float(now.mean() - before.mean())
    errors = np.array([np.var(x, ddof=1) / len(x) for x in (before, now)])
    sd_mm = float(np.sqrt(max(errors.sum(), 1e-12)))
    freedom = max(errors.sum() ** 2 / max(float((errors**2 / (np.array([len(before), len(now)]) - 1)).sum()), 1e-30), 1.0)
    above = float(stdtr(freedom, (mean_mm - tolerance_mm) / sd_mm))
    below = float(stdtr(freedom, (-tolerance_mm - mean_mm) / sd_mm))
    return Shift(mean_mm, sd_mm, above + below)


def _blocks_mm(signal: Signal, period_s: float) -> np.ndarray:
    """Time averages of whole periods, counted back from the end."""
    count = int(signal.duration_s / period_s)
    if count < FEWEST_BLOCKS:
        found = f"{signal.duration_s:.1f} s of a wave of {period_s:.1f} s"
        raise RangeError(found, where="displaced", remedy=f"pass at least {FEWEST_BLOCKS} whole periods")
    steps_s, middle_mm = np.diff(signal.t_s), 0.5 * (signal.position_mm[1:] + signal.position_mm[:-1])
    total = np.concatenate([[0.0], np.cumsum(steps_s * middle_mm)])
    ends_s = signal.t_s[-1] - period_s * np.arange(count, -1, -1)
    return np.asarray(np.diff(np.interp(ends_s, signal.t_s, total)) / period_s)
