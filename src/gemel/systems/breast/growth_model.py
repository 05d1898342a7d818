"""The model of one patient's breast tumour under chemotherapy."""

from collections.abc import Sequence
from functools import partial
from importlib.resources import files

import numpy as np

from gemel.core.belief import Params, State
from gemel.core.card import read_card
from gemel.core.model import Model, Observe
from gemel.core.record import Action
from gemel.engines.inference import course as courses
from gemel.systems.breast.body import Body
from gemel.systems.breast.growth import advance, doses_of, states
from gemel.systems.breast.population import parameters
from gemel.systems.breast.readouts import readouts
from gemel.systems.breast.seen import ln_cells, ln_volume, shares

VERSION = "2"
DRAWS, PROPOSALS = 1000, 1024
"""Of a posterior, and of a round in search of it: each is a course of a field of cells."""


def model_of(body: Body) -> Model:
    """The model of a patient with that body."""
    course = course_of(body)
    return Model(
        name="breast",
        version=VERSION,
        parameters=course.parameters,
        prior=courses.CoursePrior(course, body.start_s),
        dynamics=partial(_dynamics, body),
        observe=course.observe,
        readouts=readouts(body),
        condition=courses.condition(course, DRAWS, PROPOSALS),
        card=read_card(files(__package__).joinpath("card.md").read_text(encoding="utf-8")),
    )


def course_of(body: Body) -> courses.Course:
    """Its parameters, their course and what is seen of it; mechanics where the body has stress."""
    return courses.Course(parameters(len(body.modes), coupled=body.coupled), partial(states, body), observe(body))


def observe(body: Body) -> dict[str, Observe]:
    """Cells and volume seen, to those of the first visit, and the share of each part."""
    return {"ln_cells_1": partial(ln_cells, body), "ln_volume_1": partial(ln_volume, body), "shares_1": partial(shares, body)}


def _dynamics(
    body: Body, state: State, params: Params, actions: Sequence[Action], t0_s: float, t1_s: float, rng: np.random.Generator
) -> State:
    """`t1_s` is on the calendar of the actions; the state's clock began with the body's."""
    return advance(body, state, params, doses_of(body, actions), t1_s)
