"""What the twin expects: draws of every readout under a plan, to be frozen before the scan that tests it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.record import Plan
from gemel.core.twin import Twin, given


@dataclass(frozen=True)
class Forecast:
    """Draws (draws, *value) of each readout or observation kind at `t_s`, made from what was known at `made_s`."""

    model: str
    made_s: float
    t_s: float
    plan: Plan
    values: Mapping[str, Float[Array, "draws ..."]]


def forecast(twin: Twin, plan: Plan, readouts: Sequence[str], t_s: float, draws: int, rng: np.random.Generator) -> Forecast:
    """Draws of the named readouts (or observation kinds, without noise) at `t_s` under `plan`.

    Plans compared with each other must be given generators in the same state, so that they meet the same draws.
    Raises InputError for an unknown readout or a time before the twin's.
    """
    unknown = [name for name in readouts if name not in twin.model.readouts and name not in twin.model.observe]
    if unknown:
        known = ", ".join([*twin.model.readouts, *twin.model.observe])
        raise InputError(f"no readout {', '.join(unknown)}", where=twin.model.name, remedy=f"choose from {known}")
    if t_s < twin.t_s:
        raise InputError(f"a forecast for {t_s} s from a twin at {twin.t_s} s", remedy="replay the record up to an earlier time first")
    state, params = twin.belief.draw(draws, rng)
    state = twin.model.dynamics(state, params, (*given(twin), *plan), twin.t_s, t_s, rng)
    values = {name: _value(twin, name, (state, params, plan), rng) for name in readouts}
    return Forecast(twin.model.name, twin.t_s, t_s, plan, values)


def _value(twin: Twin, name: str, at: tuple[State, Params, Plan], rng: np.random.Generator) -> Array:
    state, params, plan = at
    if name in twin.model.readouts:
        return np.asarray(twin.model.readouts[name].compute(state, params, plan, rng))
    return np.asarray(twin.model.observe[name](state, params))


def interval(values: Float[Array, "draws ..."], level: float = 0.9) -> tuple[Array, Array]:
    """Central interval of the draws that holds `level` of them."""
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return np.asarray(low), np.asarray(high)
