"""What was outlined on the images of one visit, when they were taken, and what was measured of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.record import Observation
from gemel.core.structures import Structures


@dataclass(frozen=True)
class Segmented:
    """Regions of one visit (seconds since the epoch); `source` names the file or SOP instance."""

    structures: Structures
    acquired_s: float
    source: str

    def __post_init__(self) -> None:
        if not np.isfinite(self.acquired_s):
            raise InputError("a visit without a time", where=self.source[:64], remedy="state when the images were taken")


@dataclass(frozen=True)
class Measured:
    """Values and their standard deviations by kind of observation (none before anything was given), and the outlines."""

    values: Mapping[str, Float[Array, "m"]]
    sd: Mapping[str, Float[Array, "m"]]
    structures: Structures
    quality: Mapping[str, float]
    notes: tuple[str, ...]


def observations(day: Measured, t_s: float, source: str) -> tuple[Observation, ...]:
    """What the model is told."""
    return tuple(Observation(kind, t_s, value, day.sd[kind], source) for kind, value in day.values.items())
