"""Things that happen at a date: the field is scaled and added to at that moment."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.pde.domain import WHERE, Domain


@dataclass(frozen=True)
class Event:
    """u(t⁺) = survival · u(t⁻) + added; each one number, a map (x, y, z), or for several species (species, x, y, z)."""

    t_days: float
    survival: float | Shaped[Array, "..."] = 1.0
    added: float | Shaped[Array, "..."] = 0.0


def checked(events: Sequence[Event], of: Domain, end: float) -> tuple[Event, ...]:
    """In order of time. Raises RangeError for a negative survival, NaN, or a date before 0 or after the last time that is asked for."""
    for event in events:
        if not 0 <= event.t_days <= end:
            raise RangeError(f"an event at {event.t_days!r}", where=WHERE, remedy=f"give dates of 0 to {end:g}, the last time asked for")
        for name, value in (("survival", event.survival), ("added", event.added)):
            numbers = np.asarray(value)
            if numbers.ndim and numbers.shape[-3:] != of.shape:
                raise GeometryError(f"{name} of shape {numbers.shape} on {of.shape}", where=WHERE, remedy="give both on one grid")
            if not np.isfinite(numbers).all() or (name == "survival" and (numbers < 0).any()):
                raise RangeError(f"{name} negative or not finite at {event.t_days:g}", where=WHERE, remedy="give finite ones, survival ≥ 0")
    return tuple(sorted(events, key=lambda event: event.t_days))


def happen(event: Event, u: Shaped[Array, "species x y z"], of: Domain) -> None:
    """Change the field in place."""
    u *= _as_field(event.survival, of, u.dtype)
    u += _as_field(event.added, of, u.dtype) * of.inside


def _as_field(value: float | Shaped[Array, "..."], of: Domain, dtype: np.dtype[np.generic]) -> Shaped[Array, "..."]:
    numbers = np.asarray(value, dtype=dtype)
    return of.enter(numbers) if numbers.ndim >= 3 else numbers


def breaks(t: Shaped[Array, "times"], events: Sequence[Event]) -> list[float]:
    """Moments where a step must end: 0, the dates and the times asked for."""
    return sorted({0.0, *map(float, t), *(event.t_days for event in events)})
