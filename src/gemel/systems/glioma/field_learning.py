"""The field member's belief from scans after the first, whose outlines are the field's start: parameters, discrepancy, and ways to move.

Each way is learned by itself; their draws are mixed by how well each foretold the scans (Hoeting et al. 1999, Stat Sci 14:382).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Draws, Params, State, systematic
from gemel.core.image import Array
from gemel.core.model import Condition
from gemel.core.parameter import Parameter, draw_free
from gemel.core.record import Observation
from gemel.core.time import DAY_S
from gemel.core.twin import Twin, given, observations
from gemel.engines.inference import averaging, discrepancy, importance
from gemel.engines.inference.course import named, unwhitened
from gemel.systems.glioma.events import Dated, Setting, unfolded
from gemel.systems.glioma.field_course import advance, begin
from gemel.systems.glioma.field_shown import VOLUMES, predicted, require_shapes, shown
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.learning import MEMORY_s
from gemel.systems.glioma.transport import WAY, WAYS, ways

DRAWS, A_ROUND, ASKED = 160, 256, 1024
"""Draws of a belief; runs of a round; draws asked of the sampler, which goes on until 15 % of them are effective, at most six rounds."""
STEPS, CLOSER = 6, 2
"""Towards the most probable point of the first way, and from it to that of the next."""
EFFECTIVE = "effective_1"
"""Name in the state of the number of effective runs behind a draw's way."""


@dataclass(frozen=True)
class FieldPrior:
    """State and parameters at the start; all ways to move are alike."""

    parameters: tuple[Parameter, ...]
    ways: tuple[int, ...]

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        """n draws, of which at most 160 differ in parameters: each is a run."""
        few = named(self.parameters, draw_free(self.parameters, min(n, DRAWS), rng))
        few[WAY] = np.resize(np.array(self.ways, dtype=np.float64), min(n, DRAWS))
        params = {name: np.resize(values, n) for name, values in few.items()}
        return {**begin(n), "wander_1": params["discrepancy_1"] * rng.standard_normal(n)}, params


@dataclass(frozen=True)
class Asked:
    """What is to be explained: scans after the first, in order, and all that was given, on the twin's clock."""

    on: Ground
    parameters: tuple[Parameter, ...]
    events: tuple[Dated, ...]
    start_s: float
    seen: tuple[Observation, ...]

    @property
    def scans(self) -> discrepancy.Seen:
        """Volumes, which wander; shapes err by themselves."""
        held = [o for o in self.seen if o.kind in VOLUMES]
        return discrepancy.Seen(np.array([o.t_s for o in held]), np.array([float(o.sd[0]) for o in held]), MEMORY_s)

    def errors(self, params: Params) -> tuple[Float[Array, "n m"], Float[Array, "n k"]]:
        """Value − prediction of every volume, and of every radius in its standard deviations."""
        times = sorted({o.t_s for o in self.seen})
        features = shown(self.on, params, self.events, [t - self.start_s for t in times])
        away = [(o, o.value - predicted(o.kind, features[:, times.index(o.t_s)])) for o in self.seen]
        nothing: Array = np.zeros((len(features), 0))
        volumes = np.concatenate([nothing, *(e for o, e in away if o.kind in VOLUMES)], axis=1)
        return volumes, np.concatenate([nothing, *(e / o.sd for o, e in away if o.kind not in VOLUMES)], axis=1)

    def residuals(self, way: int, z: Float[Array, "n d"]) -> Float[Array, "n m"]:
        """Columns r with ½|r|² = −ln p(scans | z, way) up to a constant; infinite beyond the bounds."""
        params, outside = _held(self.parameters, z, way)
        volumes, radii = self.errors(params)
        found = np.concatenate([discrepancy.whitened(self.scans, params["discrepancy_1"], -volumes), radii], axis=1)
        return np.where(outside[:, None], np.inf, found)


def condition(on: Ground, setting: Setting, parameters: tuple[Parameter, ...]) -> Condition:
    """Belief after the whole record."""

    def apply(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> Draws:
        seen = sorted((*observations(twin), *new), key=lambda o: (o.t_s, o.kind, o.source))
        require_shapes(seen)
        events = unfolded(setting, given(twin), twin.start_s)
        later = tuple(o for o in seen if o.t_s - twin.start_s > 1.5 * DAY_S)
        if later:
            return _learned(Asked(on, parameters, events, twin.start_s, later), rng)
        state, params = FieldPrior(parameters, ways(on)).draw(DRAWS, rng)
        reached = advance(begin(DRAWS), events, seen[-1].t_s - twin.start_s)
        return Draws({**state, **reached}, params, np.full(DRAWS, 1 / DRAWS))

    return apply


def _learned(asked: Asked, rng: np.random.Generator) -> Draws:
    found: dict[str, importance.Sample] = {}
    near = importance.Near(np.zeros(len(asked.parameters)), STEPS)
    for way in ways(asked.on):
        found[WAYS[way]] = one = _sampled(asked, way, near, rng)
        near = importance.Near(one.mode, CLOSER)
    by = averaging.weights({name: one.log_evidence for name, one in found.items()})
    parts = [_part(asked.parameters, WAYS.index(name), one, by[name], rng) for name, one in found.items()]
    params = {name: np.concatenate([part.params[name] for part in parts]) for name in parts[0].params}
    weights = np.concatenate([part.weights for part in parts])
    effective = np.concatenate([part.state[EFFECTIVE] for part in parts])
    now_s = asked.seen[-1].t_s
    state = advance(begin(len(weights)), asked.events, now_s - asked.start_s)
    wander = params["discrepancy_1"] * rng.standard_normal(len(weights))
    if len(asked.scans.times_s):
        wander = discrepancy.drawn(asked.scans, params["discrepancy_1"], asked.errors(params)[0], now_s, rng)
    return Draws({**state, "wander_1": wander, EFFECTIVE: effective}, params, weights)


def _sampled(asked: Asked, way: int, near: importance.Near, rng: np.random.Generator) -> importance.Sample:
    return importance.sample(lambda z: asked.residuals(way, z), len(asked.parameters), ASKED, rng, a_round=A_ROUND, near=near)


def _part(parameters: tuple[Parameter, ...], way: int, of: importance.Sample, weight: float, rng: np.random.Generator) -> Draws:
    """Draws of one way, as many as its weight is worth."""
    n = int(np.ceil(DRAWS * weight))
    kept = systematic(np.full(len(of.z), 1 / len(of.z)), n, rng)
    params, _ = _held(parameters, of.z[kept], way)
    return Draws({EFFECTIVE: np.full(n, of.effective)}, params, np.full(n, weight / n))


def _held(parameters: tuple[Parameter, ...], z: Float[Array, "n d"], way: int) -> tuple[dict[str, Array], Array]:
    """Values within their bounds, and which rows were not."""
    values = named(parameters, unwhitened(parameters, z))
    held = {p.name: np.clip(values[p.name], *p.bounds) for p in parameters}
    return held | {WAY: np.full(len(z), float(way))}, np.logical_or.reduce([held[name] != values[name] for name in values])


def weight_of_ways(belief: Draws) -> dict[str, float]:
    """Probability of each way by its name."""
    number = belief.params[WAY]
    return {name: float(belief.weights[number == n].sum() / belief.weights.sum()) for n, name in enumerate(WAYS) if (number == n).any()}


def effective_of_ways(belief: Draws) -> dict[str, float]:
    """Effective number of runs behind the draws of each way, by its name; nothing before anything was learned from."""
    if EFFECTIVE not in belief.state:
        return {}
    number, runs = belief.params[WAY], belief.state[EFFECTIVE]
    return {name: float(runs[number == n].min()) for n, name in enumerate(WAYS) if (number == n).any()}
