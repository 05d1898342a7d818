"""Things that happen at a date: the field is scaled and added to at that moment, or begins to be lost to what fades away."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.pde.domain import WHERE, Domain

Amount = float | Shaped[Array, "..."]


@dataclass(frozen=True)
class Event:
    """u(t⁺) = survival · u(t⁻) + added; each one number, a map (x, y, z), or for several species (species, x, y, z).

    `log_survival_by`: ∂ ln survival/∂θ for each parameter θ whose derivative `gradient` shall give, each a number or a map.
    """

    t_days: float
    survival: Amount = 1.0
    added: Amount = 0.0
    log_survival_by: tuple[Amount, ...] = ()


@dataclass(frozen=True)
class Exposure:
    """Loss at the rate sensitivity · Σⱼ amountⱼ e^{−decay (t − tⱼ)} from each date on, its integral over any step exact.

    `sensitivity`: one number or a map, one over (amount · day).
    """

    t_days: tuple[float, ...]
    amount: tuple[float, ...]
    decay_1_d: float
    sensitivity: Amount = 1.0

    def integrals(self, start: float, stop: float) -> Float[Array, "doses"]:
        """∫ e^{−decay (t − tⱼ)} dt of each dose over [start, stop], for an amount of one."""
        dates = np.asarray(self.t_days, dtype=np.float64)
        since, span = np.maximum(start - dates, 0.0), np.maximum(stop - np.maximum(dates, start), 0.0)
        if self.decay_1_d == 0:
            return np.asarray(span)
        return np.asarray(np.exp(-self.decay_1_d * since) * -np.expm1(-self.decay_1_d * span) / self.decay_1_d)

    def integral(self, start: float, stop: float) -> float:
        """∫ Σⱼ amountⱼ e^{−decay (t − tⱼ)} dt over [start, stop]."""
        return float(self.integrals(start, stop) @ np.asarray(self.amount, dtype=np.float64))

    def integral_by_decay(self, start: float, stop: float) -> float:
        """∂ integral/∂ decay = −∫ Σⱼ amountⱼ (t − tⱼ) e^{−decay (t − tⱼ)} dt."""
        dates, b = np.asarray(self.t_days, dtype=np.float64), self.decay_1_d
        since, until = np.maximum(start - dates, 0.0), np.maximum(stop - dates, 0.0)
        if b == 0:
            moments = (until**2 - since**2) / 2
        else:
            moments = (np.exp(-b * since) * (1 + b * since) - np.exp(-b * until) * (1 + b * until)) / b**2
        return -float(moments @ np.asarray(self.amount, dtype=np.float64))


Happening = Event | Exposure


def linear_quadratic(t_days: float, dose: Amount, alpha: float, beta: float) -> Event:
    """Survival e^{−αd − βd²} of a dose given at once, one number or a map, with ∂/∂α and ∂/∂β kept for `gradient`.

    Fowler 1989, Br J Radiol 62:679. Raises RangeError for a dose, α or β that is negative or not finite.
    """
    d = np.asarray(dose, dtype=np.float64)
    if not (np.isfinite(d).all() and (d >= 0).all() and 0 <= alpha < np.inf and 0 <= beta < np.inf):
        raise RangeError("a dose, α or β that is negative or not finite", where="linear_quadratic", remedy="give zero or more")
    by = (-d, -(d**2))
    return Event(t_days, np.exp(alpha * by[0] + beta * by[1]), log_survival_by=by)


def checked(happening: Sequence[Happening], of: Domain, end: float) -> tuple[tuple[Event, ...], tuple[Exposure, ...]]:
    """Events in order of time, and exposures.

    Raises RangeError for a negative survival or loss, NaN, or a date before 0 or after the last time that is asked for.
    """
    events = tuple(sorted((one for one in happening if isinstance(one, Event)), key=lambda event: event.t_days))
    exposures = tuple(one for one in happening if isinstance(one, Exposure))
    for event in events:
        _dated((event.t_days,), end)
        _number("survival", event.survival, of, least=0.0)
        _number("added", event.added, of, least=-np.inf)
        for direction in event.log_survival_by:
            _number("log_survival_by", direction, of, least=-np.inf)
    for exposure in exposures:
        _dated(exposure.t_days, end)
        _number("sensitivity", exposure.sensitivity, of, least=0.0)
        amounts = np.asarray(exposure.amount, dtype=np.float64)
        if len(amounts) != len(exposure.t_days) or not np.isfinite(amounts).all() or (amounts < 0).any():
            raise RangeError("amounts not one a date, negative or not finite", where=WHERE, remedy="give zero or more for each date")
        if not 0 <= exposure.decay_1_d < np.inf:
            raise RangeError(f"a decay of {exposure.decay_1_d!r}", where=WHERE, remedy="give zero or more")
    return events, exposures


def _dated(dates: Sequence[float], end: float) -> None:
    for date in dates:
        if not 0 <= date <= end:
            raise RangeError(f"an event at {date!r}", where=WHERE, remedy=f"give dates of 0 to {end:g}, the last time asked for")


def _number(name: str, value: Amount, of: Domain, *, least: float) -> None:
    numbers = np.asarray(value)
    if numbers.ndim and numbers.shape[-3:] != of.shape:
        raise GeometryError(f"{name} of shape {numbers.shape} on {of.shape}", where=WHERE, remedy="give both on one grid")
    if not np.isfinite(numbers).all() or (numbers < least).any():
        raise RangeError(f"{name} negative or not finite", where=WHERE, remedy="give finite numbers, and no survival or loss under 0")


def as_field(value: Amount, of: Domain, dtype: np.dtype[np.generic]) -> Shaped[Array, "..."]:
    """A number, or a map as the kernels read it."""
    numbers = np.asarray(value, dtype=dtype)
    return of.enter(numbers) if numbers.ndim >= 3 else numbers


def happen(event: Event, u: Shaped[Array, "... x y z"], of: Domain) -> None:
    """Change the field in place."""
    if np.ndim(event.survival) or event.survival != 1:
        u *= as_field(event.survival, of, u.dtype)
    if np.ndim(event.added) or event.added != 0:
        u += as_field(event.added, of, u.dtype) * of.inside
