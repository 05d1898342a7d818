"""A model is a system without a patient in it; a twin is a model with a record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gemel.core.belief import Belief, Params, State
from gemel.core.card import Card
from gemel.core.image import Array
from gemel.core.parameter import Parameter
from gemel.core.record import Action, Event, Observation, Plan

Dynamics = Callable[[State, Params, Sequence[Action], float, float, np.random.Generator], State]
Observe = Callable[[State, Params], Array]  # the value without noise, (draws, *value)
Condition = Callable[["Twin", Sequence[Observation], np.random.Generator], Belief]


@dataclass(frozen=True)
class Readout:
    """A number that decisions are taken on. `compute` maps (state, params, plan, rng) to (draws,); rng serves its own model error."""

    unit: str
    compute: Callable[[State, Params, Plan, np.random.Generator], Array]
    what: str


@dataclass(frozen=True)
class Model:
    """Prior, dynamics, observation and readout functions, and the inference engine (`condition`) its author validated."""

    name: str
    version: str
    parameters: tuple[Parameter, ...]
    prior: Belief
    dynamics: Dynamics
    observe: Mapping[str, Observe]
    readouts: Mapping[str, Readout]
    condition: Condition
    card: Card


@dataclass(frozen=True)
class Twin:
    """What is believed at `t_s` after `record`, from `start_s` on. All randomness derives from `seed` and the step."""

    model: Model
    belief: Belief
    start_s: float
    t_s: float
    record: tuple[Event, ...] = ()
    seed: int = 0
