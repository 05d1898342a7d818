"""Models whose forward calculation is slow, put together: features of every draw, readouts, and the model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.card import read_card
from gemel.core.digest import digest
from gemel.core.image import Array
from gemel.core.model import Model, Readout
from gemel.core.record import Plan
from gemel.engines.inference.slow import DISCREPANCY, Done, Slow, SlowPrior, condition, done_by, dynamics, observe

LEAST_mL = 0.05
Shown = Float[Array, "draws features"]
Values = Callable[[Shown], Mapping[str, Float[Array, "draws"]]]


@dataclass(frozen=True)
class Known:
    """A dataclass of arrays that is the same wherever its content is: by `key` alone, so that what is made of it can be kept."""

    key: str
    of: Any = field(compare=False)


def known(of: Any) -> Known:
    """By a digest of all that it holds."""
    return Known(digest(of), of)


def by_draw(calculate: Callable[[dict[str, float]], Float[Array, "features"]], params: Params, done: Done) -> Shown:
    """Features of every draw by the whole calculation; one for all where nothing was done."""
    names = [name for name in params if name != DISCREPANCY]
    count = len(params[names[0]])
    rows = [{name: float(params[name][n]) for name in names} for n in range(count if done else 1)]
    found = np.stack([calculate(row) for row in rows])
    return np.broadcast_to(found, (count, found.shape[1])).copy()


def ln_mL(volume_mL: float) -> float:
    """Logarithm of a volume that may be nothing."""
    return float(np.log(volume_mL + LEAST_mL))


def mL(ln: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """The way back."""
    return np.maximum(np.exp(ln) - LEAST_mL, 0.0)


def share_over(levels: Float[Array, "levels"], quantiles: Float[Array, "draws levels"], threshold: float) -> Float[Array, "draws"]:
    """Share of voxels over a threshold, from the quantiles of their values at `levels`, linear between these."""
    rising = np.maximum.accumulate(quantiles, axis=1) + 1e-9 * np.arange(len(levels))
    return np.asarray(1.0 - np.array([np.interp(threshold, row, levels, left=0.0, right=1.0) for row in rising]))


def readouts(slow: Slow, what: Mapping[str, tuple[str, str]], values: Values) -> dict[str, Readout]:
    """By name with unit and words, of a state after what was planned and a plan (with what was given, where there was)."""
    return {name: Readout(unit, partial(_computed, slow, values, name), words) for name, (unit, words) in what.items()}


def _computed(slow: Slow, values: Values, name: str, state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Array:
    start_s = min((action.t_s for action in plan), default=0.0)  # only the order of what is done counts
    return values(slow.respond(params, done_by(slow, plan, start_s)))[name]


def model_of(slow: Slow, called: tuple[str, str], told: Mapping[str, Readout], card: str) -> Model:
    """The model of a name and version."""
    return Model(
        name=called[0],
        version=called[1],
        parameters=slow.parameters,
        prior=SlowPrior(slow),
        dynamics=dynamics(slow),
        observe=observe(slow),
        readouts=told,
        condition=condition(slow),
        card=read_card(card),
    )
