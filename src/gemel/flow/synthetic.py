"""Synthetic patients: a model's own draws, lived through and observed, for tests of honesty and in-silico trials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.model import Model
from gemel.core.record import Observation


@dataclass(frozen=True)
class SyntheticPatient:
    """The true parameters and the true state at each time, with what was observed of it."""

    params: Params
    states: tuple[State, ...]
    observations: tuple[tuple[Observation, ...], ...]


def synthetic_patient(model: Model, times_s: Sequence[float], sd: Mapping[str, Array], rng: np.random.Generator) -> SyntheticPatient:
    """One patient of the prior, observed at `times_s` with normal errors `sd` by observation kind."""
    state, params = model.prior.draw(1, rng)
    states, seen, t_s = [], [], times_s[0]
    for when in times_s:
        state = model.dynamics(state, params, (), t_s, when, rng)
        states.append(state)
        seen.append(tuple(_observed(model, kind, state, params, when, sd[kind], rng) for kind in sd))
        t_s = when
    return SyntheticPatient(params, tuple(states), tuple(seen))


def _observed(model: Model, kind: str, state: State, params: Params, t_s: float, sd: Array, rng: np.random.Generator) -> Observation:
    value = model.observe[kind](state, params)[0]
    return Observation(kind, t_s, value + sd * rng.standard_normal(value.shape), np.broadcast_to(sd, value.shape).copy(), "synthetic")
