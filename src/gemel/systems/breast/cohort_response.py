"""Complete response of made-up patients, foretold from two visits: are the probabilities what they say?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core import twin as twins
from gemel.core.image import Array
from gemel.core.system import common_draws
from gemel.core.time import DAY_S
from gemel.systems.breast.case import begin
from gemel.systems.breast.drugs import Dose
from gemel.systems.breast.growth_model import model_of
from gemel.systems.breast.observe import observations, observe
from gemel.systems.breast.phantom import phantom
from gemel.systems.breast.readouts import readouts
from gemel.systems.breast.regimens import Regimen, actions
from gemel.systems.breast.virtual import state_of, virtual_patient, visit_of

SECOND_d, NEXT_d = 20.0, 22.0
COURSE = Regimen(3, 3)
FIRST = Dose("AC", DAY_S, 1.0)
DRAWS = 400


@dataclass(frozen=True)
class Response:
    """Probability of complete response given at the second visit, whether it came, and ln of what was left."""

    probability: float
    complete: bool
    ln_residual: float


def response(seed: int, i: int) -> Response:
    """Patient `i` of a seed, growth not coupled: A/C after the first visit, and then the rest of the three-weekly course."""
    rng = common_draws(seed, i)
    made = phantom(rng, shape=(18, 18, 14), spacing_mm=3.0, radius_mm=rng.uniform(7.0, 13.0))
    patient = virtual_patient(made, rng, given=(FIRST,), mechanics=False)
    case = begin(visit_of(patient, (), 0.0, rng), mechanics=False)
    twin = twins.new(model_of(replace(case.body, given=(FIRST,))), 0.0, i)
    at_s, plan = SECOND_d * DAY_S, actions(COURSE, NEXT_d * DAY_S, (FIRST,))
    twin = twins.assimilate(twin, observations(observe(case, visit_of(patient, (), at_s, rng), lambda *_: None), at_s, "second"))
    state, params = twin.belief.draw(DRAWS, rng)
    foretold = twin.model.readouts["pcr_1"].compute(state, params, plan, rng)
    truth = readouts(patient.body)
    end = {name: truth[name].compute(state_of(patient, (), at_s), patient.params, plan, rng) for name in ("pcr_1", "ln_residual_1")}
    return Response(float(foretold.mean()), bool(end["pcr_1"][0] > 0.5), float(end["ln_residual_1"][0]))


def brier(found: Sequence[Response]) -> tuple[float, float]:
    """Mean square error of the probabilities, and that of stating the cohort's own share for all. Brier 1950, Mon Weather Rev 78:1."""
    p, came = _arrays(found)
    return float(np.square(p - came).mean()), float(came.mean() * (1 - came.mean()))


def miscalibration_z(found: Sequence[Response]) -> float:
    """Standard normal where the probabilities are true. Spiegelhalter 1986, Stat Med 5:421."""
    p, came = _arrays(found)
    lean = (came - p) * (1 - 2 * p)
    return float(lean.sum() / np.sqrt((np.square(1 - 2 * p) * p * (1 - p)).sum()))


def area_under_curve(found: Sequence[Response]) -> float:
    """Probability that one who responds was given the higher one. Hanley & McNeil 1982, Radiology 143:29."""
    p, came = _arrays(found)
    yes, no = p[came > 0], p[came == 0]
    return float((yes[:, None] > no[None]).mean() + 0.5 * (yes[:, None] == no[None]).mean())


def _arrays(found: Sequence[Response]) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    return np.array([one.probability for one in found]), np.array([float(one.complete) for one in found])
