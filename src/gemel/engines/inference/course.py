"""Models whose course follows from their parameters and from what was given: exact posteriors of the parameters, by importance sampling."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Draws, Params, State
from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.model import Condition, Observe
from gemel.core.parameter import Parameter, draw_free, free_centre, to_value
from gemel.core.record import Action, Observation
from gemel.core.twin import Twin, given, observations
from gemel.engines.inference import importance

DRAWS = 4000
PROPOSALS = 4096
"""A round of them: forecasts of the same record then differ by 0.02 of their standard deviation (1,500 independent ones: 0.05)."""


@dataclass(frozen=True)
class Course:
    """`states(params, actions, start_s, times_s)` gives the state of every draw at each time (ascending), for draws in params of (n,)."""

    parameters: tuple[Parameter, ...]
    states: Callable[[Params, Sequence[Action], float, Sequence[float]], Sequence[State]]
    observe: Mapping[str, Observe]


@dataclass(frozen=True)
class CoursePrior:
    """The prior of a Course, at `start_s`."""

    course: Course
    start_s: float = 0.0

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        """n draws of state and parameters."""
        params = named(self.course.parameters, draw_free(self.course.parameters, n, rng))
        return self.course.states(params, (), self.start_s, (self.start_s,))[0], params


def condition(course: Course, draws: int = DRAWS, proposals: int = PROPOSALS) -> Condition:
    """Conditions on the whole record at once, so that the order in which scans arrive cannot matter; errors are normal and independent."""

    def apply(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> Draws:
        return fitted(course, twin, new, (draws, proposals), rng)[0]

    return apply


def fitted(
    course: Course, twin: Twin, new: Sequence[Observation], draws_proposals: tuple[int, int], rng: np.random.Generator
) -> tuple[Draws, float]:
    """The posterior after the whole record, and ln of the density that the prior gave all of it together but for what models share."""
    seen = sorted((*observations(twin), *new), key=lambda o: (o.t_s, o.kind, o.source))
    actions, (draws, proposals) = given(twin), draws_proposals

    def residuals(z: Float[Array, "n d"]) -> Float[Array, "n m"]:
        values = named(course.parameters, unwhitened(course.parameters, z))
        held = {p.name: np.clip(values[p.name], *p.bounds) for p in course.parameters}
        outside = np.logical_or.reduce([held[name] != values[name] for name in values])
        r = residuals_of(course, held, actions, twin.start_s, seen)
        return np.where(outside[:, None], np.inf, r)

    found = importance.sample(residuals, len(course.parameters), draws, rng, a_round=proposals)
    params = named(course.parameters, unwhitened(course.parameters, found.z))
    state = course.states(params, actions, twin.start_s, (seen[-1].t_s,))[0]
    return Draws(state, params, np.full(draws, 1 / draws)), found.log_evidence


def residuals_of(
    course: Course, params: Params, actions: Sequence[Action], start_s: float, seen: Sequence[Observation]
) -> Float[Array, "n m"]:
    """(prediction − value)/sd of every component of every observation."""
    times = sorted({o.t_s for o in seen})
    states = dict(zip(times, course.states(params, actions, start_s, times)))
    columns = [(_predicted(course, o, states[o.t_s], params) - o.value) / o.sd for o in seen]
    return np.concatenate([column.reshape(len(column), -1) for column in columns], axis=1)


def _predicted(course: Course, seen: Observation, state: State, params: Params) -> Float[Array, "n ..."]:
    """What the model expects in an observation's place. Raises InputError when it has another shape."""
    expected = np.asarray(course.observe[seen.kind](state, params))
    if expected.shape[1:] != seen.value.shape:
        found = f"a value of shape {seen.value.shape}"
        raise InputError(found, where=seen.kind, remedy=f"pass one of shape {expected.shape[1:]}, as the model predicts it")
    return expected


def unwhitened(parameters: tuple[Parameter, ...], z: Float[Array, "n d"]) -> Float[Array, "n d"]:
    """The free scale of standard normal coordinates."""
    return np.array([free_centre(p) for p in parameters]) + z * np.array([p.spread for p in parameters])


def named(parameters: tuple[Parameter, ...], free: Float[Array, "n d"]) -> dict[str, Float[Array, "n"]]:
    """Parameter values by name."""
    return {p.name: to_value(p, column) for p, column in zip(parameters, free.T)}
