"""Parameters of the field member from scans after the first, whose outlines are the field's start: Laplace, then weighed draws.

Draws of a widened normal about the most probable point are weighed by the posterior itself. Kass & Raftery 1995, JASA 90:773, sec. 4.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from gemel.core.belief import Draws, Params, State
from gemel.core.image import Array
from gemel.core.model import Condition
from gemel.core.parameter import Parameter, draw_free
from gemel.core.record import Action, Observation
from gemel.core.time import DAY_S
from gemel.core.twin import Twin, given, observations
from gemel.engines.inference import discrepancy
from gemel.engines.inference.course import named, unwhitened
from gemel.engines.inference.least_squares import Residuals, costs, mode
from gemel.systems.glioma.events import Dated, Setting, unfolded
from gemel.systems.glioma.field_course import LEAST_mL, advance, begin, course, seen_mL
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.learning import ENHANCING, MEMORY_s

DRAWS, WIDER, STEPS = 64, 1.3, 6
DISCREPANCY_1 = 0.1
"""Standard deviation of ln volume about the model. Assumed, as the averaged member's prior has it (0.08); not learned here."""
KIND = {ENHANCING: 0, "ln_flair_mL": 1}


@dataclass(frozen=True)
class FieldPrior:
    """State and parameters at the start."""

    parameters: tuple[Parameter, ...]

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        """n draws, of which at most 64 differ in parameters: each is a run."""
        few = named(self.parameters, draw_free(self.parameters, min(n, DRAWS), rng))
        params = {name: np.resize(values, n) for name, values in few.items()}
        return {**begin(n), "wander_1": DISCREPANCY_1 * rng.standard_normal(n)}, params


def predicted(kind: str, mL: Float[Array, "... 2"]) -> Float[Array, "..."]:
    """ln of a volume, and a little so that it may vanish."""
    return np.asarray(np.log(mL[..., KIND[kind]] + LEAST_mL))


def condition(on: Ground, setting: Setting, parameters: tuple[Parameter, ...]) -> Condition:
    """Belief after the whole record."""

    def apply(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> Draws:
        seen = sorted((*observations(twin), *new), key=lambda o: (o.t_s, o.kind, o.source))
        later = [o for o in seen if o.t_s - twin.start_s > 1.5 * DAY_S]
        actions = given(twin)
        scans = discrepancy.Seen(np.array([o.t_s for o in later]), np.array([float(o.sd[0]) for o in later]), MEMORY_s)

        def residuals(z: Float[Array, "n d"]) -> Float[Array, "n m"]:
            params, outside = _held(parameters, z)
            errors = _errors(on, setting, params, actions, twin.start_s, later)
            r = discrepancy.whitened(scans, np.full(len(z), DISCREPANCY_1), -errors)
            return np.where(outside[:, None], np.inf, r)

        z, weights = _drawn(residuals, len(parameters), rng) if later else (rng.standard_normal((DRAWS, len(parameters))), np.ones(DRAWS))
        params, _ = _held(parameters, z)
        state = advance(begin(DRAWS), unfolded(setting, actions, twin.start_s), seen[-1].t_s - twin.start_s)
        wander = DISCREPANCY_1 * rng.standard_normal(DRAWS)
        if later:
            errors = _errors(on, setting, params, actions, twin.start_s, later)
            wander = discrepancy.drawn(scans, np.full(DRAWS, DISCREPANCY_1), errors, seen[-1].t_s, rng)
        return Draws({**state, "wander_1": wander}, params, weights / weights.sum())

    return apply


def _drawn(residuals: Residuals, d: int, rng: np.random.Generator) -> tuple[Float[Array, "n d"], Float[Array, "n"]]:
    """Points and weights."""
    found = mode(residuals, np.zeros((1, d)), steps=STEPS)
    root = WIDER * np.linalg.inv(np.linalg.cholesky(found.curvature)).T
    noise = rng.standard_normal((DRAWS, d))
    z = found.z + noise @ root.T
    log = -costs(z, residuals(z)) + 0.5 * np.square(noise).sum(axis=1)
    return z, np.exp(log - logsumexp(log))


def _held(parameters: tuple[Parameter, ...], z: Float[Array, "n d"]) -> tuple[dict[str, Array], Array]:
    """Values within their bounds, and which rows were not."""
    values = named(parameters, unwhitened(parameters, z))
    held = {p.name: np.clip(values[p.name], *p.bounds) for p in parameters}
    return held, np.logical_or.reduce([held[name] != values[name] for name in values])


def _errors(
    on: Ground, setting: Setting, params: Params, actions: Sequence[Action], start_s: float, seen: Sequence[Observation]
) -> Float[Array, "n m"]:
    """Value − prediction of every scan."""
    times = sorted({o.t_s for o in seen})
    mL = volumes_mL(on, params, unfolded(setting, actions, start_s), [t - start_s for t in times])
    return np.stack([float(o.value[0]) - predicted(o.kind, mL[:, times.index(o.t_s)]) for o in seen], axis=1)


def volumes_mL(on: Ground, params: Params, events: Sequence[Dated], ages_s: Sequence[float]) -> Float[Array, "draws times 2"]:
    """Volumes of every draw at ascending ages."""
    return course(on, params, events, ages_s, lambda u: seen_mL(on, u))
