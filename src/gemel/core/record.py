"""What happened to a twin, in time order: observations and actions."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array


@dataclass(frozen=True)
class Observation:
    """A measured value with its standard deviation, at time `t_s`; `source` is the SOP Instance UID or FHIR reference it came from."""

    kind: str
    t_s: float
    value: Float[Array, "..."]
    sd: Float[Array, "..."]
    source: str

    def __post_init__(self) -> None:
        value, sd = np.asarray(self.value, dtype=np.float64), np.asarray(self.sd, dtype=np.float64)
        if value.shape != sd.shape or not np.isfinite(value).all() or not np.isfinite(self.t_s):
            raise InputError(
                f"a value {value} with standard deviation {sd} at {self.t_s} s", where=self.kind, remedy="pass finite equal shapes"
            )
        if not (sd > 0).all():
            raise InputError(f"a standard deviation {sd}", where=self.kind, remedy="every observation states an error above zero")
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "sd", sd)


@dataclass(frozen=True)
class Action:
    """Something done, or proposed, to the patient or machine. An empty `source` means proposed, not given."""

    kind: str
    t_s: float
    amount: float
    unit: str
    source: str = ""


Event = Observation | Action
Plan = tuple[Action, ...]


def in_order(record: tuple[Event, ...]) -> tuple[Event, ...]:
    """The record by time; at equal times observations come before actions, then by kind and source, whatever the order of arrival."""
    return tuple(sorted(record, key=lambda e: (e.t_s, isinstance(e, Action), e.kind, e.source)))
