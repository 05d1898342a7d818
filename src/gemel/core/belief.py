"""What a twin holds to be true, with its uncertainty: anything that can be drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array

State = Mapping[str, Array]  # every array leads with the draws axis
Params = Mapping[str, Array]


@runtime_checkable
class Belief(Protocol):
    """A joint distribution of a model's state and parameters."""

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        """n draws; every array leads with the draws axis."""
        ...


@dataclass(frozen=True)
class Draws:
    """Weighted draws (particles or an ensemble). `draw` resamples in proportion to the weights."""

    state: State
    params: Params
    weights: Float[Array, "n"]

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        """n draws with replacement."""
        pick = rng.choice(len(self.weights), size=n, p=self.weights / self.weights.sum())
        return {k: v[pick] for k, v in self.state.items()}, {k: v[pick] for k, v in self.params.items()}


@dataclass(frozen=True)
class Gaussian:
    """A joint normal over named scalars, the first `len(state_names)` of which are state."""

    state_names: tuple[str, ...]
    param_names: tuple[str, ...]
    mean: Float[Array, "d"]
    covariance: Float[Array, "d d"]

    def __post_init__(self) -> None:
        d = len(self.state_names) + len(self.param_names)
        if self.mean.shape != (d,) or self.covariance.shape != (d, d):
            raise RangeError(f"a mean of {self.mean.shape} for {d} names", where="Gaussian", remedy="one mean a name")

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        """n draws."""
        values = rng.multivariate_normal(self.mean, self.covariance, size=n, method="svd")
        split = len(self.state_names)
        return dict(zip(self.state_names, values[:, :split].T)), dict(zip(self.param_names, values[:, split:].T))
