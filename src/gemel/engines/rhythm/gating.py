"""Windows of position in which a beam or an exposure may be on: how long, and how much motion is left."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtr, ndtri

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.rhythm.signal import Signal
from gemel.engines.rhythm.tracking import Forecast


@dataclass(frozen=True)
class Window:
    """Positions [low, high] that hold the signal for `duty_cycle` of the time; `residual_mm`: standard deviation of what is left."""

    low_mm: float
    high_mm: float
    duty_cycle: float
    residual_mm: float


def narrowest(signal: Signal, duty_cycle: float) -> Window:
    """The shortest window with at least this duty cycle. Keall et al. 2006, Med Phys 33:3874 (AAPM TG-76): duty against residual motion."""
    if not 0 < duty_cycle <= 1:
        raise RangeError(f"a duty cycle of {duty_cycle:g}", where="narrowest", remedy="pass a share of the time above 0, 1 at most")
    position_mm, time_s = _sorted(signal)
    ends = np.concatenate([[0.0], np.cumsum(time_s)])
    last = np.searchsorted(ends[1:], ends[:-1] + duty_cycle * ends[-1] * (1 - 1e-12))
    first = np.flatnonzero(last < len(position_mm))
    best = first[int(np.argmin(position_mm[last[first]] - position_mm[first]))]
    return window(signal, float(position_mm[best]), float(position_mm[last[best]]))


def longest(signal: Signal, width_mm: float) -> Window:
    """The window of this width that holds the signal longest."""
    if width_mm <= 0:
        raise RangeError(f"a width of {width_mm:g} mm", where="longest", remedy="pass a width above zero")
    position_mm, time_s = _sorted(signal)
    ends = np.concatenate([[0.0], np.cumsum(time_s)])
    held_s = ends[np.searchsorted(position_mm, position_mm + width_mm, side="right")] - ends[:-1]
    low_mm = float(position_mm[int(np.argmax(held_s))])
    return window(signal, low_mm, low_mm + width_mm)


def window(signal: Signal, low_mm: float, high_mm: float) -> Window:
    """What a given window does. Raises RangeError when the signal is never in it."""
    inside = (signal.position_mm >= low_mm) & (signal.position_mm <= high_mm)
    return _window(signal, inside, low_mm, high_mm)


def delivered(signal: Signal, on: Bool[Array, "n"], asked: Window) -> Window:
    """What was left when the beam was on at these samples, with the limits that were asked for."""
    return _window(signal, on, asked.low_mm, asked.high_mm)


def chance_inside(forecast: Forecast, asked: Window, level: float = 0.9) -> float:
    """P(low ≤ z ≤ high) of a forecast as its calibrated interval has it, a normal of that width."""
    sd_mm = (forecast.high_mm - forecast.low_mm) / (2 * float(ndtri(0.5 + level / 2)))
    ends = (np.array([asked.low_mm, asked.high_mm]) - forecast.position_mm) / max(sd_mm, 1e-9)
    return float(np.diff(ndtr(ends))[0])


def _window(signal: Signal, inside: Bool[Array, "n"], low_mm: float, high_mm: float) -> Window:
    time_s = _time_s(signal)
    share = float(time_s[inside].sum() / time_s.sum())
    if share == 0:
        held = f"{signal.position_mm.min():.2f} to {signal.position_mm.max():.2f} mm"
        remedy = f"choose one inside the signal's {held}"
        raise RangeError(f"a window {low_mm:.2f} to {high_mm:.2f} mm that is never open", where="window", remedy=remedy)
    mean = np.average(signal.position_mm[inside], weights=time_s[inside])
    variance = np.average(np.square(signal.position_mm[inside] - mean), weights=time_s[inside])
    return Window(low_mm, high_mm, share, float(np.sqrt(variance)))


def _time_s(signal: Signal) -> Float[Array, "n"]:
    """Time that each sample stands for, half of the steps on either side."""
    return np.gradient(signal.t_s)


def _sorted(signal: Signal) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    order = np.argsort(signal.position_mm, kind="stable")
    return signal.position_mm[order], _time_s(signal)[order]
