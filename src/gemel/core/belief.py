"""What a twin holds to be true, with its uncertainty: anything that can be drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

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
    """Weighted draws (particles or an ensemble). `draw` resamples in proportion to the weights, systematically, in random order."""

    state: State
    params: Params
    weights: Float[Array, "n"]

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        """n draws: each particle as often as its weight says, to within one."""
        pick = rng.permutation(systematic(self.weights / self.weights.sum(), n, rng))
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


def systematic(weights: Float[Array, "n"], n: int, rng: np.random.Generator) -> Int[Array, "n2"]:
    """Indices of n particles by systematic resampling of weights that sum to 1. Kitagawa 1996, J Comput Graph Stat 5:1."""
    places = (np.arange(n) + rng.random()) / n
    return np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1)
