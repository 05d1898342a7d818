"""Models that are linear and Gaussian once their parameters are known: particles over the parameters, exact Gaussians over the state.

Iterated batch importance sampling (Chopin 2002, Biometrika 89:539) with the state integrated out exactly (Rao–Blackwell;
Doucet et al. 2000, Stat Comput 10:197). When the particles thin out they are resampled and moved by Metropolis steps that
target the exact posterior given the whole record, so the answer does not wear out as days go by.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.model import Condition, Dynamics, Observe
from gemel.core.parameter import Parameter, draw_free, log_prior, to_value
from gemel.core.record import Action, Observation
from gemel.core.twin import Twin, given, observations
from gemel.engines.inference import gaussian, particles

PARTICLES = 384
MOVES = 10
SHARE = 0.25


@dataclass(frozen=True)
class LinearGaussian:
    """State components that decay and are renewed independently, seen through a matrix; all may depend on the parameters.

    `initial(params)` gives variances (n, d) about zero mean, `transition(params, dt_s)` decay and added variance (n, d) each,
    `emission[kind](params)` the matrix (n, m, d) of each kind of observation. `acted(action, params)`, where there is one: what is left
    of each component after an action and the variance that it adds, (n, d) each; actions without one leave the state alone.
    """

    names: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    initial: Callable[[Params], Float[Array, "n d"]]
    transition: Callable[[Params, float], tuple[Float[Array, "n d"], Float[Array, "n d"]]]
    emission: Mapping[str, Callable[[Params], Float[Array, "n m d"]]]
    acted: Callable[[Action, Params], tuple[Float[Array, "n d"], Float[Array, "n d"]]] | None = None


@dataclass(frozen=True)
class ConditionalPrior:
    """The prior of a LinearGaussian; draws are exact and independent."""

    structure: LinearGaussian

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        """n draws of state and parameters."""
        params = named(self.structure, draw_free(self.structure.parameters, n, rng))
        variance = self.structure.initial(params)
        return _split(self.structure, rng.standard_normal(variance.shape) * np.sqrt(variance)), params


@dataclass(frozen=True)
class ConditionalGaussian:
    """Particles over the parameters (free scale), each with the exact normal of the state given the record so far, from `start_s` on."""

    structure: LinearGaussian
    free: Float[Array, "n p"]
    log_weights: Float[Array, "n"]
    mean: Float[Array, "n d"]
    covariance: Float[Array, "n d d"]
    start_s: float

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        """n draws: a particle in proportion to its weight (systematic), then the state from its normal."""
        pick = rng.permutation(particles.systematic(particles.normalised(self.log_weights), n, rng))
        state = gaussian.draw(self.mean, self.covariance, pick, rng)
        return _split(self.structure, state), named(self.structure, self.free[pick])


def named(structure: LinearGaussian, free: Float[Array, "n p"]) -> Params:
    """Parameter values by name from the free scale."""
    return {p.name: to_value(p, column) for p, column in zip(structure.parameters, free.T)}


def _split(structure: LinearGaussian, state: Float[Array, "n d"]) -> State:
    return dict(zip(structure.names, state.T))


def dynamics(structure: LinearGaussian) -> Dynamics:
    """The structure's transition as a drawing function, with what actions within the interval do."""

    def step(state: State, params: Params, actions: Sequence[Action], t0_s: float, t1_s: float, rng: np.random.Generator) -> State:
        now = np.stack([state[name] for name in structure.names], axis=1)
        for decay, added in _between(structure, params, actions, t0_s, t1_s):
            now = decay * now + np.sqrt(added) * rng.standard_normal(now.shape)
        return _split(structure, now)

    return step


def _between(
    structure: LinearGaussian, params: Params, actions: Sequence[Action], t0_s: float, t1_s: float
) -> Iterator[tuple[Float[Array, "n d"], Float[Array, "n d"]]]:
    """Decay and added variance of each stretch of [t0, t1), and of each action in it, in order."""
    at_s = t0_s
    if structure.acted is not None:
        for action in sorted((a for a in actions if t0_s <= a.t_s < t1_s), key=lambda a: a.t_s):
            yield structure.transition(params, action.t_s - at_s)
            yield structure.acted(action, params)
            at_s = action.t_s
    yield structure.transition(params, t1_s - at_s)


def _advanced(moments: tuple[Array, Array], steps: Iterable[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Moments after several steps."""
    for decay, added in steps:
        moments = gaussian.advance(*moments, decay, added)
    return moments


def observe(structure: LinearGaussian, kind: str) -> Observe:
    """The structure's emission of one kind as an observation function, (draws, m)."""

    def value(state: State, params: Params) -> Array:
        stacked = np.stack([state[name] for name in structure.names], axis=1)
        return np.asarray(np.einsum("nmd,nd->nm", structure.emission[kind](params), stacked))

    return value


def condition(structure: LinearGaussian) -> Condition:
    """The inference engine of `structure`: belief after the observations, all of one time."""

    def assimilate(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> ConditionalGaussian:
        belief = twin.belief
        if not isinstance(belief, ConditionalGaussian):
            belief = _start(structure, twin.t_s, rng)
        steps = _between(structure, named(structure, belief.free), given(twin), twin.t_s, new[0].t_s)
        moments = _advanced((belief.mean, belief.covariance), steps)
        mean, covariance, evidence = _update(_emission(structure, named(structure, belief.free), new), moments, new)
        belief = replace(belief, mean=mean, covariance=covariance, log_weights=belief.log_weights + evidence)
        weights = particles.normalised(belief.log_weights)
        if particles.effective_size(weights) > len(weights) / 2:
            return belief
        return rejuvenate(belief, (*observations(twin), *new), rng, given(twin))

    return assimilate


def _start(structure: LinearGaussian, start_s: float, rng: np.random.Generator) -> ConditionalGaussian:
    free = draw_free(structure.parameters, PARTICLES, rng)
    mean, covariance = _initial(structure, free)
    return ConditionalGaussian(structure, free, np.zeros(len(free)), mean, covariance, start_s)


def _initial(structure: LinearGaussian, free: Array) -> tuple[Array, Array]:
    variance = structure.initial(named(structure, free))
    return np.zeros(variance.shape), variance[:, :, None] * np.eye(variance.shape[1])


def _emission(structure: LinearGaussian, params: Params, new: Sequence[Observation]) -> Array:
    """The matrices of all observations, one below the other. Raises InputError for a value of another shape than the model's."""
    matrices = [structure.emission[o.kind](params) for o in new]
    for matrix, o in zip(matrices, new):
        if o.value.shape != matrix.shape[1:2]:
            raise InputError(f"a value of shape {o.value.shape}", where=o.kind, remedy=f"the model observes {matrix.shape[1:2]}")
    return np.concatenate(matrices, axis=1)


def _update(matrix: Array, moments: tuple[Array, Array], new: Sequence[Observation]) -> tuple[Array, Array, Array]:
    value = np.concatenate([o.value for o in new])
    sd = np.concatenate([o.sd for o in new])
    return gaussian.condition(*moments, matrix, value, sd)


def rejuvenate(
    belief: ConditionalGaussian, record: Sequence[Observation], rng: np.random.Generator, done: Sequence[Action] = ()
) -> ConditionalGaussian:
    """Equal particles after resampling and `MOVES` random-walk Metropolis steps, each of a random quarter of the parameters.

    Steps are as long as the particles are spread, scaled by 2.38/√(number moved): Roberts & Rosenthal 2001, Stat Sci 16:351.
    """
    weights = particles.normalised(belief.log_weights)
    spread = np.sqrt(weights @ np.square(belief.free - weights @ belief.free)) + 1e-9
    pick = particles.systematic(weights, len(weights), rng)
    here = _posterior(belief, belief.free[pick], record, done)
    for _ in range(MOVES):
        moved = np.asarray(rng.random(belief.free.shape) < SHARE)
        scale = 2.38 / np.sqrt(np.maximum(moved.sum(axis=1, keepdims=True), 1))
        there = _posterior(belief, here[0] + scale * spread * moved * rng.standard_normal(belief.free.shape), record, done)
        accepted = np.log(rng.random(len(weights))) < there[3] - here[3]
        here = tuple(np.where(accepted.reshape(-1, *[1] * (a.ndim - 1)), b, a) for a, b in zip(here, there))
    return replace(belief, free=here[0], mean=here[1], covariance=here[2], log_weights=np.zeros(len(weights)))


def _posterior(belief: ConditionalGaussian, free: Array, record: Sequence[Observation], done: Sequence[Action]) -> tuple[Array, ...]:
    """(free, mean, covariance, log posterior density) after filtering the whole record from `start_s`."""
    structure = belief.structure
    log_density = log_prior(structure.parameters, free)
    safe = np.where(np.isfinite(log_density)[:, None], free, belief.free)
    mean, covariance = _initial(structure, safe)
    params, t_s = named(structure, safe), belief.start_s
    matrices: dict[tuple[tuple[str, int], ...], Array] = {}  # days show the same kinds again and again
    for when, group in groupby(record, key=lambda o: o.t_s):
        new = list(group)
        kinds = tuple((o.kind, o.value.size) for o in new)
        if kinds not in matrices:
            matrices[kinds] = _emission(structure, params, new)
        moments = _advanced((mean, covariance), _between(structure, params, done, t_s, when))
        mean, covariance, evidence = _update(matrices[kinds], moments, new)
        log_density, t_s = log_density + evidence, when
    return safe, mean, covariance, log_density
