"""The model of one patient under radionuclide therapy, and the one without a patient."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.resources import files

import numpy as np

from gemel.core.belief import Params, State
from gemel.core.card import Card, read_card
from gemel.core.image import Array
from gemel.core.model import Model, Observe
from gemel.core.record import Action
from gemel.engines.inference import course as courses
from gemel.systems.theranostics import observe_pet
from gemel.systems.theranostics.course import Body, advance, states
from gemel.systems.theranostics.network import ORGANS
from gemel.systems.theranostics.population import NAME, VERSION, Promoted, population, promoted
from gemel.systems.theranostics.readouts import readouts

LEAST_MBq = 1e-6
KINDS = (*(f"ln_{organ}_MBq" for organ in ORGANS), "ln_blood_MBq_L", "ln_platelets_ratio_1", "ln_psa_ratio_1", *observe_pet.kinds())


def model_of(body: Body) -> Model:
    """The model of a patient with that body; it begins with the first thing given."""
    known = population()
    parameters = promoted((*known.parameters, *(known.alpha_parameters if body.has_alphas else ())), body.prior)
    course = courses.Course(parameters, partial(states, body), observe())
    return Model(
        name=NAME,
        version=f"{VERSION} {body.prior.version}".rstrip(),
        parameters=course.parameters,
        prior=courses.CoursePrior(course, body.begins_s),
        dynamics=partial(_dynamics, body),
        observe=course.observe,
        readouts=readouts(body),
        condition=courses.condition(course),
        card=_card(body.prior),
    )


def _card(prior: Promoted) -> Card:
    """The model's card; with a promoted prior it says so, and that the evidence is not of that prior."""
    card = read_card(files(__package__).joinpath("card.md").read_text(encoding="utf-8"))
    if not prior.version:
        return card
    said = f" Prior {prior.version}, of {prior.patients} twins: not examined, and only for patients like theirs."
    return replace(card, validity=card.validity + said)


def observe() -> dict[str, Observe]:
    """Logarithms of activities as the camera sees them (with its calibration), of blood, of counts to those before, of uptake."""
    seen: dict[str, Observe] = {f"ln_{organ}_MBq": partial(_ln_activity, organ) for organ in ORGANS}
    seen["ln_blood_MBq_L"] = _ln_blood
    seen |= {f"ln_{name}_ratio_1": partial(_ln_ratio, name) for name in ("platelets", "psa")}
    return seen | observe_pet.kinds()


def _dynamics(
    body: Body, state: State, params: Params, actions: Sequence[Action], t0_s: float, t1_s: float, rng: np.random.Generator
) -> State:
    return advance(body, state, params, actions, t1_s)


def _ln_activity(organ: str, state: State, params: Params) -> Array:
    amount = state[organ] * (state["burden"] if organ == "tumour" else 1.0)
    return np.log(np.maximum(amount * params["calibration_ratio_1"], LEAST_MBq))[:, None]


def _ln_blood(state: State, params: Params) -> Array:
    return np.log(np.maximum(state["blood"] / params["central_volume_L"], LEAST_MBq))[:, None]


def _ln_ratio(name: str, state: State, params: Params) -> Array:
    return np.log(np.maximum(state[name], LEAST_MBq))[:, None]
