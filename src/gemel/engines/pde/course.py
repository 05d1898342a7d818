"""What is done when: steps, losses to exposures, events and outputs in order, the same list for the way forward and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.pde.events import Event, Exposure

MARGIN = 1.0 + 1e-6  # conductances are rounded to float32
CHUNK = 4096  # steps handed over at once
LEAST = 1e-15  # of a loss worth computing


@dataclass(frozen=True)
class Steps:
    """`count` steps of equal length from start to stop."""

    start: float
    stop: float
    count: int

    @property
    def dt(self) -> float:
        return (self.stop - self.start) / self.count

    def edges(self) -> Float[Array, "edges"]:
        return np.asarray(self.start + (self.stop - self.start) * np.arange(self.count + 1) / self.count)


@dataclass(frozen=True)
class Fade:
    """The survival of all exposures over [start, stop]."""

    start: float
    stop: float


@dataclass(frozen=True)
class Output:
    """The field is one of those asked for, from index `first` up to `last`."""

    first: int
    last: int


Act = Steps | Fade | Event | Output


def course(times: Float[Array, "times"], events: Sequence[Event], exposures: Sequence[Exposure], aim: float) -> list[Act]:
    """Steps up to `aim` long that end on every date; exposures act between the middles of steps (Strang 1968, SIAM J Numer Anal 5:506).

    A date's events come before its output.
    """
    dates = {event.t_days for event in events} | {date for exposure in exposures for date in exposure.t_days}
    moments = sorted({0.0, *map(float, times), *dates})
    found: list[Act] = []
    losing = [(exposure, float(np.max(exposure.sensitivity))) for exposure in exposures]
    for before, now in zip([0.0, *moments[:-1]], moments):
        if now > before:
            found += _between(before, now, losing, max(1, int(np.ceil((now - before) / aim / MARGIN))))
        found += [event for event in events if event.t_days == now]
        first, last = np.searchsorted(times, now, "left"), np.searchsorted(times, now, "right")
        found += [Output(int(first), int(last))] if last > first else []
    return _joined(found)


def _between(before: float, now: float, losing: list[tuple[Exposure, float]], steps: int) -> list[Act]:
    """From one moment to the next: stretches of steps, with losses between where there are any."""
    edges = before + (now - before) * np.arange(steps + 1) / steps
    middles = np.concatenate([[before], (edges[1:] + edges[:-1]) / 2, [now]])
    lost = [_matters(losing, float(a), float(b)) for a, b in pairwise(middles)]
    found: list[Act] = [Fade(before, float(middles[1]))] if lost[0] else []
    begun = 0
    for n in range(1, steps + 1):
        if lost[n] or n - begun == CHUNK or n == steps:
            found.append(Steps(float(edges[begun]), float(edges[n]), n - begun))
            begun = n
        if lost[n]:
            found.append(Fade(float(middles[n]), float(middles[n + 1])))
    return found


def _matters(losing: list[tuple[Exposure, float]], start: float, stop: float) -> bool:
    return any(most * exposure.integral(start, stop) > LEAST for exposure, most in losing)


def _joined(acts: list[Act]) -> list[Act]:
    """Losses one after the other as one."""
    found: list[Act] = []
    for act in acts:
        if found and isinstance(act, Fade) and isinstance(last := found[-1], Fade):
            found[-1] = Fade(last.start, act.stop)
        else:
            found.append(act)
    return found
