"""Parameters from scans: the whole record at once, with the model's discrepancy integrated out; exact, by importance sampling."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Draws, Params, State
from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.model import Condition
from gemel.core.parameter import Parameter, draw_free
from gemel.core.record import Action, Observation
from gemel.core.time import DAY_S
from gemel.core.twin import Twin, given, observations
from gemel.engines.inference import discrepancy, importance
from gemel.engines.inference.course import named, unwhitened
from gemel.systems.glioma.course import begin, states, visible_mL
from gemel.systems.glioma.events import Setting

DRAWS, A_ROUND = 2000, 4000
MEMORY_s = 30 * DAY_S
"""Of the discrepancy: oedema, necrosis and clearance change over weeks. Assumed."""
ENHANCING, FLAIR = "ln_enhancing_mL", "ln_flair_mL"


@dataclass(frozen=True)
class Prior:
    """State and parameters at the start."""

    parameters: tuple[Parameter, ...]

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        """n draws."""
        params = named(self.parameters, draw_free(self.parameters, n, rng))
        return {**begin(params), "wander_1": params["discrepancy_1"] * rng.standard_normal(n)}, params


def predicted(kind: str, state: State, params: Params) -> Float[Array, "draws"]:
    """ln volume without discrepancy: what is visible of the burden enhances (T1Gd), T2/FLAIR is a multiple of it."""
    ratio = params["flair_ratio_1"] if kind == FLAIR else 1.0
    return np.asarray(np.log(visible_mL(state) * ratio))


def condition(setting: Setting, parameters: tuple[Parameter, ...]) -> Condition:
    """Belief after the whole record; errors of scans are normal, plus a discrepancy that wanders and is common to both kinds."""

    def apply(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> Draws:
        seen = sorted((*observations(twin), *new), key=lambda o: (o.t_s, o.kind, o.source))
        _require_scalar(seen)
        scans = discrepancy.Seen(np.array([o.t_s for o in seen]), np.array([float(o.sd[0]) for o in seen]), MEMORY_s)
        actions = given(twin)

        def residuals(z: Float[Array, "n d"]) -> Float[Array, "n m"]:
            params, outside = _held(parameters, z)
            r = discrepancy.whitened(scans, params["discrepancy_1"], -_errors(setting, params, actions, twin.start_s, seen))
            return np.where(outside[:, None], np.inf, r)

        found = importance.sample(residuals, len(parameters), DRAWS, rng, a_round=A_ROUND)
        params, _ = _held(parameters, found.z)
        errors = _errors(setting, params, actions, twin.start_s, seen)
        wander = discrepancy.drawn(scans, params["discrepancy_1"], errors, seen[-1].t_s, rng)
        state = states(setting, params, actions, twin.start_s, (seen[-1].t_s,))[0]
        return Draws({**state, "wander_1": wander}, params, np.full(DRAWS, 1 / DRAWS))

    return apply


def _held(parameters: tuple[Parameter, ...], z: Float[Array, "n d"]) -> tuple[dict[str, Array], Array]:
    """Values within their bounds, and which rows were not."""
    values = named(parameters, unwhitened(parameters, z))
    held = {p.name: np.clip(values[p.name], *p.bounds) for p in parameters}
    return held, np.logical_or.reduce([held[name] != values[name] for name in values])


def _errors(
    setting: Setting, params: Params, actions: Sequence[Action], start_s: float, seen: Sequence[Observation]
) -> Float[Array, "n m"]:
    """Value − prediction of every scan."""
    times = sorted({o.t_s for o in seen})
    reached = dict(zip(times, states(setting, params, actions, start_s, times)))
    return np.stack([float(o.value[0]) - predicted(o.kind, reached[o.t_s], params) for o in seen], axis=1)


def _require_scalar(seen: Sequence[Observation]) -> None:
    for o in seen:
        if o.value.shape != (1,):
            raise InputError(f"a value of shape {o.value.shape}", where=o.kind, remedy="pass one of shape (1,), as the model predicts it")
