"""Things that happen at a date: the field is scaled and added to at that moment, or begins to be lost to what fades away."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.core.number import number, numbers
from gemel.engines.pde.domain import WHERE, Domain
from gemel.engines.pde.given import given

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

    Fowler 1989, Br J Radiol 62:679. Raises RangeError for a dose, α or β that is negative or not finite, InputError for what is no number.
    """
    d, alpha, beta = numbers(dose, "dose"), number(alpha, "alpha"), number(beta, "beta")
    if not (np.isfinite(d).all() and (d >= 0).all() and 0 <= alpha < np.inf and 0 <= beta < np.inf):
        raise RangeError("a dose, α or β that is negative or not finite", where="linear_quadratic", remedy="give zero or more")
    by = (-d, -(d**2))
    return Event(t_days, np.exp(alpha * by[0] + beta * by[1]), log_survival_by=by)


def checked(happening: Sequence[Happening], of: Domain, end: float, species: int) -> tuple[tuple[Event, ...], tuple[Exposure, ...]]:
    """Events in order of time (of one moment: as given), and exposures.

    Raises InputError for what is neither, RangeError for a negative survival or loss, NaN, or a date before 0 or after the last time that
    is asked for, GeometryError for a map of another shape.
    """
    if isinstance(happening, (str, Event, Exposure)) or not isinstance(happening, Sequence):
        raise InputError(f"events = {happening!r:.60}", where="events", remedy="give a list of Event and Exposure, or ()")
    strangers = [one for one in happening if not isinstance(one, (Event, Exposure))]
    if strangers:
        raise InputError(f"an event {strangers[0]!r:.60}", where="events", remedy="give Event, linear_quadratic(...) or Exposure")
    events = [_event(one, of, (end, species)) for one in happening if isinstance(one, Event)]
    exposures = tuple(_exposure(one, of, (end, species)) for one in happening if isinstance(one, Exposure))
    return tuple(sorted(events, key=lambda event: event.t_days)), exposures


def _event(event: Event, of: Domain, limits: tuple[float, int]) -> Event:
    _map("survival", event.survival, of, (limits[1], 0.0))
    _map("added", event.added, of, (limits[1], -np.inf))
    for direction in event.log_survival_by:
        _map("log_survival_by", direction, of, (limits[1], -np.inf))
    return replace(event, t_days=_dates(number(event.t_days, "t_days"), limits[0])[0])


def _exposure(exposure: Exposure, of: Domain, limits: tuple[float, int]) -> Exposure:
    _map("sensitivity", exposure.sensitivity, of, (limits[1], 0.0))
    dates = _dates(exposure.t_days, limits[0])
    amounts = np.atleast_1d(numbers(exposure.amount, "amount"))
    if amounts.shape != (len(dates),) or not np.isfinite(amounts).all() or (amounts < 0).any():
        raise RangeError("amounts not one a date, negative or not finite", where=WHERE, remedy="give zero or more for each date")
    decay = number(exposure.decay_1_d, "decay_1_d")
    if not 0 <= decay < np.inf:
        raise RangeError(f"a decay of {decay!r}", where=WHERE, remedy="give zero or more")
    return replace(exposure, t_days=dates, amount=tuple(map(float, amounts)), decay_1_d=decay)


def _dates(dates: Any, end: float) -> tuple[float, ...]:
    found = np.atleast_1d(numbers(dates, "t_days"))
    for date in found.ravel():
        if not 0 <= date <= end:
            raise RangeError(f"an event at {date:g}", where=WHERE, remedy=f"give dates of 0 to {end:g}, the last time asked for")
    return tuple(map(float, found.ravel()))


def _map(name: str, value: Amount, of: Domain, limits: tuple[int, float]) -> None:
    """limits: species, and the least that is allowed."""
    found, (species, least) = given(value, name), limits
    if found.shape not in ((), of.shape) and (species == 1 or found.shape != (species, *of.shape)):
        raise GeometryError(f"{name} of shape {found.shape} on {of.shape}", where=WHERE, remedy="give a number or a map, both on one grid")
    if not np.isfinite(found).all() or (found < least).any():
        raise RangeError(f"{name} negative or not finite", where=WHERE, remedy="give finite numbers, and no survival or loss under 0")


def most_after(most: float, full: float, events: Sequence[Event]) -> float:
    """A bound of u where it begins at `most` and what grows does so up to `full`; survivals over 1 and what is added raise it."""
    for event in events:
        raised = max(float(np.max(event.survival)), 1.0), max(float(np.max(event.added)), 0.0)
        if raised != (1.0, 0.0):
            most = raised[0] * max(most, full) + raised[1]
    return most


def as_field(value: Amount, of: Domain, dtype: np.dtype[np.generic]) -> Shaped[Array, "..."]:
    """A number, or a map as the kernels read it."""
    numbers = np.asarray(value, dtype=dtype)
    return of.enter(numbers) if numbers.ndim >= 3 else numbers


def happen(event: Event, u: Shaped[Array, "... x y z"], of: Domain) -> None:
    """Change the field in place. Raises RangeError where more is taken than there is."""
    if np.ndim(event.survival) or event.survival != 1:
        u *= as_field(event.survival, of, u.dtype)
    if np.ndim(event.added) or event.added != 0:
        u += as_field(event.added, of, u.dtype) * of.inside
        if np.min(event.added) < 0 and u.min() < 0:
            raise RangeError(
                f"an event at {event.t_days:g} that takes more than there is", where=WHERE, remedy="take less, or scale: survival"
            )
