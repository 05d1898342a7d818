"""Models whose forward calculation is slow: what scans show is emulated in the parameters, plus a discrepancy that wanders in time.

What was done (kind, age, amount) decides which emulator answers; each is made once, from a fixed design in the prior, and kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri
from scipy.stats import qmc

from gemel.core.belief import Draws, Params, State
from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.model import Condition, Dynamics, Observe
from gemel.core.parameter import Parameter, draw_free, free_centre, to_value
from gemel.core.record import Action, Observation
from gemel.core.twin import Twin, given, observations
from gemel.engines.inference import discrepancy, importance
from gemel.engines.inference.course import named, unwhitened
from gemel.engines.surrogate import Surrogate, fit, predict

Done = tuple[tuple[str, float, float], ...]
"""What was done, in order: kind, age of the model in seconds, amount."""
Respond = Callable[[Params, Done], Float[Array, "draws features"]]
DISCREPANCY = "discrepancy_1"
DRAWS, A_ROUND = 2000, 4000
DESIGN, WIDEST = 48, 2.6
"""Points of a design, and how many standard deviations of the prior it reaches."""


@dataclass(frozen=True)
class Slow:
    """`respond` gives features of every draw; `kinds`: which columns of them an observation shows, (first, last + 1).

    `parameters` end with DISCREPANCY, the standard deviation of what wanders (time constant `memory_s`) and is added to all that is seen.
    """

    parameters: tuple[Parameter, ...]
    respond: Respond
    kinds: Mapping[str, tuple[int, int]]
    planned: Done
    memory_s: float


@dataclass(frozen=True)
class SlowPrior:
    """State and parameters at the start."""

    slow: Slow

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        """n draws."""
        params = named(self.slow.parameters, draw_free(self.slow.parameters, n, rng))
        return state_at(self.slow, params, done_by(self.slow, (), 0.0, 0.0), 0.0) | {
            "wander_1": params[DISCREPANCY] * rng.standard_normal(n)
        }, params


def emulated(parameters: tuple[Parameter, ...], calculate: Respond, points: int = DESIGN) -> Respond:
    """The same features by Gaussian processes over the free scale; made when they are first asked for."""

    @lru_cache(maxsize=64)
    def made(done: Done) -> Surrogate:
        free = design(parameters, points)
        return fit(free, calculate(named(parameters, free), done))

    def respond(params: Params, done: Done) -> Float[Array, "draws features"]:
        if not done:
            return calculate(params, ())
        return predict(made(done), free_of(parameters, params))[0]

    return respond


def design(parameters: tuple[Parameter, ...], points: int) -> Float[Array, "points p"]:
    """A scrambled Sobol sequence through the prior, on the free scale, within bounds."""
    uniform = qmc.Sobol(len(parameters), scramble=True, rng=np.random.default_rng(7)).random(1 << (points - 1).bit_length())[:points]
    spread = np.clip(1.25 * ndtri(np.clip(uniform, 1e-9, 1 - 1e-9)), -WIDEST, WIDEST)
    free = unwhitened(parameters, spread)
    within = [np.log(p.bounds) if p.family == "lognormal" else np.array(p.bounds) for p in parameters]
    return np.stack([np.clip(column, *ends) for column, ends in zip(free.T, within)], axis=1)


def free_of(parameters: tuple[Parameter, ...], params: Params) -> Float[Array, "n p"]:
    """The way back of `to_value`."""
    return np.stack([np.log(params[p.name]) if p.family == "lognormal" else params[p.name] for p in parameters], axis=1)


def done_by(slow: Slow, actions: Sequence[Action], start_s: float, until_s: float = np.inf) -> Done:
    """What was planned and what was given before an age, in order; nothing of an amount of zero."""
    everything = (*slow.planned, *((a.kind, a.t_s - start_s, a.amount) for a in actions))
    return tuple(sorted((kind, age, amount) for kind, age, amount in everything if age < until_s and amount > 0))


def state_at(slow: Slow, params: Params, done: Done, age_s: float) -> dict[str, Array]:
    """What there is to be seen, without the discrepancy."""
    shown = slow.respond(params, done)
    return {"age_s": np.full(len(shown), age_s), "shown_1": shown}


def dynamics(slow: Slow) -> Dynamics:
    """What is done in [t0, t1) adds to what is shown; the discrepancy wanders on. `actions` are all that were ever given."""

    def step(state: State, params: Params, actions: Sequence[Action], t0_s: float, t1_s: float, rng: np.random.Generator) -> State:
        start_s = t0_s - float(state["age_s"][0])
        kept = float(np.exp(-(t1_s - t0_s) / slow.memory_s))
        wander = discrepancy.stepped(state["wander_1"], params[DISCREPANCY], kept, rng)
        age_s = t1_s - start_s
        return state_at(slow, params, done_by(slow, actions, start_s, age_s), age_s) | {"wander_1": wander}

    return step


def observe(slow: Slow) -> dict[str, Observe]:
    """By kind."""
    return {kind: partial(_seen, columns) for kind, columns in slow.kinds.items()}


def _seen(columns: tuple[int, int], state: State, params: Params) -> Array:
    return np.asarray(state["shown_1"][:, slice(*columns)] + state["wander_1"][:, None])


def condition(slow: Slow) -> Condition:
    """Belief after the whole record: errors of scans are normal, the discrepancy is integrated out; exact for the emulated model."""

    def apply(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> Draws:
        seen = sorted((*observations(twin), *new), key=lambda o: (o.t_s, o.kind, o.source))
        _require_shapes(slow, seen)
        done = {o.t_s: done_by(slow, given(twin), twin.start_s, o.t_s - twin.start_s) for o in seen}
        scans = discrepancy.Seen(
            np.repeat([o.t_s for o in seen], [o.value.size for o in seen]), np.concatenate([o.sd for o in seen]), slow.memory_s
        )

        def errors(params: Params) -> Float[Array, "n m"]:
            shown = {what: slow.respond(params, what) for what in set(done.values())}
            return np.concatenate([o.value - shown[done[o.t_s]][:, slice(*slow.kinds[o.kind])] for o in seen], axis=1)

        def residuals(z: Float[Array, "n d"]) -> Float[Array, "n m"]:
            params, outside = _held(slow.parameters, z)
            return np.where(outside[:, None], np.inf, discrepancy.whitened(scans, params[DISCREPANCY], errors(params)))

        found = importance.sample(residuals, len(slow.parameters), DRAWS, rng, a_round=A_ROUND)
        params, _ = _held(slow.parameters, found.z)
        now_s = seen[-1].t_s
        wander = discrepancy.drawn(scans, params[DISCREPANCY], errors(params), now_s, rng)
        state = state_at(slow, params, done[now_s], now_s - twin.start_s) | {"wander_1": wander}
        return Draws(state, params, np.full(DRAWS, 1 / DRAWS))

    return apply


def _held(parameters: tuple[Parameter, ...], z: Float[Array, "n d"]) -> tuple[dict[str, Array], Array]:
    """Values within their bounds, and which rows were not."""
    values = {p.name: to_value(p, free_centre(p) + z[:, i] * p.spread) for i, p in enumerate(parameters)}
    held = {p.name: np.clip(values[p.name], *p.bounds) for p in parameters}
    return held, np.logical_or.reduce([held[name] != values[name] for name in values])


def _require_shapes(slow: Slow, seen: Sequence[Observation]) -> None:
    for o in seen:
        first, last = slow.kinds[o.kind]
        if o.value.shape != (last - first,):
            raise InputError(f"a value of shape {o.value.shape}", where=o.kind, remedy=f"pass one of shape ({last - first},)")
