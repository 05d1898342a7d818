"""A model's parameter: its name with unit, prior, bounds, and where the prior was published."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.units import unit_of


@dataclass(frozen=True)
class Parameter:
    """One scalar of a model. Its prior is normal(centre, spread), or lognormal with median `centre` and ln-sd `spread`.

    `bounds` is the range in which the model is valid; the free scale (x, or ln x) is where samplers move.
    """

    name: str
    family: Literal["normal", "lognormal"]
    centre: float
    spread: float
    bounds: tuple[float, float]
    reference: str

    def __post_init__(self) -> None:
        unit_of(self.name)
        low, high = self.bounds
        if not (low < high and low <= self.centre <= high and self.spread > 0) or (self.family == "lognormal" and low < 0):
            raise RangeError(
                f"a prior {self.centre} ± {self.spread} with bounds {self.bounds}", where=self.name, remedy="correct the table"
            )

    @property
    def unit(self) -> str:
        """Unit, read off the name."""
        return unit_of(self.name)


def free_centre(parameter: Parameter) -> float:
    """Prior mean on the free scale."""
    return float(np.log(parameter.centre)) if parameter.family == "lognormal" else parameter.centre


def to_value(parameter: Parameter, free: Float[Array, "n"]) -> Float[Array, "n"]:
    """Parameter values from the free scale."""
    return np.exp(free) if parameter.family == "lognormal" else free


def draw_free(parameters: tuple[Parameter, ...], n: int, rng: np.random.Generator) -> Float[Array, "n p"]:
    """Independent prior draws on the free scale, by rejection to the bounds."""
    columns = []
    for parameter in parameters:
        kept = np.empty(0)
        while len(kept) < n:
            free = rng.normal(free_centre(parameter), parameter.spread, 2 * n)
            value = to_value(parameter, free)
            kept = np.concatenate([kept, free[(value >= parameter.bounds[0]) & (value <= parameter.bounds[1])]])
        columns.append(kept[:n])
    return np.stack(columns, axis=1)


def log_prior(parameters: tuple[Parameter, ...], free: Float[Array, "n p"]) -> Float[Array, "n"]:
    """Log prior density on the free scale up to a constant; -inf outside the bounds."""
    total = np.zeros(len(free))
    for column, parameter in zip(free.T, parameters):
        value = to_value(parameter, column)
        inside = (value >= parameter.bounds[0]) & (value <= parameter.bounds[1])
        total += np.where(inside, -0.5 * ((column - free_centre(parameter)) / parameter.spread) ** 2, -np.inf)
    return total
