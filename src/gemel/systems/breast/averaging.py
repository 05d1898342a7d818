"""Growth coupled to mechanics and not: both models follow the same visits, and are averaged by how well each foretold them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core import twin as twins
from gemel.core.forecast import forecast
from gemel.core.image import Array
from gemel.core.record import Action, Observation
from gemel.core.system import common_draws
from gemel.core.twin import Twin
from gemel.engines.inference.averaging import log_score, mixed, weights
from gemel.systems.breast.body import Body
from gemel.systems.breast.growth_model import model_of

DRAWS = 400


@dataclass(frozen=True)
class Averaged:
    """A twin of each model after the same visits, what the visits foretold gave each (ln), and the weights that follow."""

    twins: Mapping[str, Twin]
    scores: Mapping[str, float]
    weights: Mapping[str, float]


def uncoupled(body: Body) -> Body:
    """The same body, stress left out."""
    return replace(body, stress_basis=body.stress_basis[:0], stress_kPa=body.stress_kPa[:0])


def followed(body: Body, visits: Sequence[Sequence[Observation]], given: Sequence[Action] = (), *, seed: int = 0) -> Averaged:
    """Both models over visits in order; each is forecast by either from those before it, and scored, before it is assimilated."""
    held = {"coupled": body, "uncoupled": uncoupled(body)}
    found, scores = {}, {}
    for name, of in held.items():
        twin, scores[name] = twins.new(model_of(of), body.start_s, seed), 0.0
        for visit in visits:
            t_s = visit[0].t_s
            twin = twins.assimilate(twin, tuple(one for one in given if one.t_s < t_s and one not in twin.record))
            ahead = forecast(twin, (), [one.kind for one in visit], t_s, DRAWS, common_draws(seed, 5))
            scores[name] += log_score(ahead.values, visit)
            twin = twins.assimilate(twin, tuple(visit))
        found[name] = twin
    return Averaged(found, scores, weights(scores))


def ahead(of: Averaged, kind: str, t_s: float, rng: np.random.Generator) -> Float[Array, "draws ..."]:
    """Draws of a readout or observation at a time to come under both models, in proportion to their weights."""
    draws = {name: forecast(twin, (), [kind], t_s, DRAWS, common_draws(twin.seed, 5)).values[kind] for name, twin in of.twins.items()}
    return mixed(draws, of.weights, rng)
