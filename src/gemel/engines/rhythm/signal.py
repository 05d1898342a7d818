"""A signal in time: positions with the moments at which they were measured."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array

LONGEST_GAP_S = 1.0
"""A longer silence hides a turn of a quick breath (period 2 s)."""


@dataclass(frozen=True)
class Signal:
    """Positions along one axis; the clock may be irregular but must run forward without gaps.

    Raises InputError for shapes that differ, values or times that are not finite, a clock that does not advance, and gaps.
    """

    t_s: Float[Array, "n"]
    position_mm: Float[Array, "n"]

    def __post_init__(self) -> None:
        t_s, position_mm = (np.asarray(v, dtype=np.float64) for v in (self.t_s, self.position_mm))
        if t_s.ndim != 1 or t_s.shape != position_mm.shape or len(t_s) < 2:
            found = f"times of shape {t_s.shape} and positions of shape {position_mm.shape}"
            raise InputError(found, where="Signal", remedy="pass one position for each time, two at least")
        _require_finite(t_s, "time")
        _require_finite(position_mm, "position")
        steps = np.diff(t_s)
        if (steps <= 0).any():
            at = int(np.argmax(steps <= 0))
            raise InputError(f"a clock that does not advance at sample {at + 1}", where="Signal", remedy="sort samples and drop repeats")
        if steps.max() > LONGEST_GAP_S:
            found = f"a gap of {steps.max():.2f} s after {t_s[int(steps.argmax())]:.2f} s (at most {LONGEST_GAP_S:g} s)"
            raise InputError(found, where="Signal", remedy="cut the signal there and pass the longest part")
        object.__setattr__(self, "t_s", t_s)
        object.__setattr__(self, "position_mm", position_mm)

    @property
    def duration_s(self) -> float:
        """From the first sample to the last."""
        return float(self.t_s[-1] - self.t_s[0])


def part(signal: Signal, first_s: float, last_s: float) -> Signal:
    """Samples with first ≤ t < last. Raises RangeError when fewer than two are there."""
    inside = (signal.t_s >= first_s) & (signal.t_s < last_s)
    if np.count_nonzero(inside) < 2:
        held = f"{signal.t_s[0]:g} to {signal.t_s[-1]:g} s"
        raise RangeError(f"{first_s:g} to {last_s:g} s of a signal that holds {held}", where="part", remedy="ask for a time inside it")
    return Signal(signal.t_s[inside], signal.position_mm[inside])


def _require_finite(values: Float[Array, "n"], what: str) -> None:
    if not np.isfinite(values).all():
        at = int(np.argmin(np.isfinite(values)))
        raise InputError(f"a {what} that is not finite at sample {at}", where="Signal", remedy="leave out samples that were not measured")
