"""Growth that stress holds back and growth that it does not: one model that weighs the two by how well each foretold all visits so far.

A draw belongs to one of them: `mechanics_1`, standard normal before anything is seen, says which by its sign (Carlin & Chib 1995, J R Stat
Soc B 57:473, with the prior of γ where it has no effect). Their weights are prior · exp(ln score), the score being the predictive density
of the visits in order, which is the evidence (Dawid 1984, J R Stat Soc A 147:278; Hoeting et al. 1999, Stat Sci 14:382).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Float
from scipy import special

from gemel.core.belief import Draws, Params
from gemel.core.image import Array
from gemel.core.model import Condition, Model
from gemel.core.parameter import draw_free
from gemel.core.record import Observation
from gemel.core.twin import Twin
from gemel.engines.inference import course as courses
from gemel.engines.inference.averaging import weights
from gemel.systems.breast import growth_model
from gemel.systems.breast.body import Body
from gemel.systems.breast.growth import states
from gemel.systems.breast.population import mechanics, parameters

COUPLED, UNCOUPLED = "coupled to stress", "not coupled"


def uncoupled(body: Body) -> Body:
    """The same body, stress left out."""
    return replace(body, stress_basis=body.stress_basis[:0], stress_kPa=body.stress_kPa[:0])


def averaged_model(body: Body) -> Model:
    """The model of a patient in whom both are held possible; the body's stress is known."""
    alone = growth_model.model_of(body)
    both = courses.Course((*alone.parameters, mechanics()), partial(states, body), alone.observe)
    return replace(alone, parameters=both.parameters, prior=courses.CoursePrior(both, body.start_s), condition=condition(body))


def condition(body: Body) -> Condition:
    """Each model conditioned alone on the whole record, and their draws mixed in proportion to their weights."""
    alone = {COUPLED: growth_model.course_of(body), UNCOUPLED: growth_model.course_of(uncoupled(body))}
    many = growth_model.DRAWS, growth_model.PROPOSALS

    def apply(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> Draws:
        found = {name: courses.fitted(course, twin, new, many, rng) for name, course in alone.items()}
        by = weights({name: score for name, (_, score) in found.items()}, dict(zip((COUPLED, UNCOUPLED), prior())))
        first = round(many[0] * by[COUPLED])
        return _mixed({name: draws for name, (draws, _) in found.items()}, (first, many[0] - first), rng)

    return apply


def prior() -> tuple[float, float]:
    """Probabilities of the two before any visit but the first."""
    held = mechanics()
    on = float(special.ndtr(held.centre / held.spread))
    return on, 1.0 - on


def weight(params: Params) -> float:
    """Share of draws in which growth is coupled to stress."""
    return float(np.mean(np.asarray(params["mechanics_1"]) > 0))


def _mixed(of: dict[str, Draws], counts: tuple[int, int], rng: np.random.Generator) -> Draws:
    """So many draws of each, every one with all parameters."""
    state, params = zip(*(draws.draw(count, rng) for draws, count in zip(of.values(), counts)))
    on, off = counts
    stress = {"mechanics_1": np.concatenate([_sign(on, 1.0, rng), _sign(off, -1.0, rng)])}
    free = parameters(0, coupled=True)
    told = np.exp(draw_free(tuple(p for p in free if p.name == "gamma_1_kPa"), off, rng)[:, 0])
    shared = {name: np.concatenate([one[name] for one in params]) for name in params[1]}
    gamma = {"gamma_1_kPa": np.concatenate([params[0]["gamma_1_kPa"], told])}
    joined = {name: np.concatenate([one[name] for one in state]) for name in state[0]}
    return Draws(joined, {**shared, **gamma, **stress}, np.full(on + off, 1.0 / (on + off)))


def _sign(n: int, sign: float, rng: np.random.Generator) -> Float[Array, "n"]:
    """Draws of `mechanics_1` on one side of zero."""
    held, kept = mechanics(), np.empty(0)
    while len(kept) < n:
        free = draw_free((held,), 4 * n, rng)[:, 0]
        kept = np.concatenate([kept, free[free * sign > 0]])
    return kept[:n]
