"""The model of one patient's tumour as a volume, and the one without a patient: the fast member of the family."""

from collections.abc import Sequence
from functools import partial
from importlib.resources import files

import numpy as np

from gemel.core.belief import Params, State
from gemel.core.card import read_card
from gemel.core.image import Array
from gemel.core.model import Model
from gemel.core.parameter import Parameter
from gemel.core.record import Action
from gemel.core.time import DAY_S
from gemel.engines.inference.discrepancy import stepped
from gemel.systems.glioma.course import advance
from gemel.systems.glioma.events import WEEK, Setting, unfolded
from gemel.systems.glioma.learning import ENHANCING, FLAIR, MEMORY_s, Prior, condition, predicted
from gemel.systems.glioma.population import population
from gemel.systems.glioma.readouts import readouts

VERSION = "2"
WEEK_S = 7 * DAY_S
BEGUN = Setting(tuple((WEEK, (15 + 7 * n) * DAY_S, 10.0) for n in range(3)))
"""The model without a patient: two scans two weeks apart, then three weeks of 5 × 2 Gy; the rest is to be decided."""


def model() -> Model:
    """The model without a patient, three of six weeks into radiotherapy."""
    return model_of(BEGUN)


def model_of(setting: Setting, parameters: tuple[Parameter, ...] = ()) -> Model:
    """The model of a patient given that, with the population's priors unless others are given."""
    parameters = parameters or population()
    return Model(
        name="glioma",
        version=VERSION,
        parameters=parameters,
        prior=Prior(parameters),
        dynamics=partial(_dynamics, setting),
        observe={kind: partial(_seen, kind) for kind in (ENHANCING, FLAIR)},
        readouts=readouts(setting),
        condition=condition(setting, parameters),
        card=read_card(files(__package__).joinpath("card.md").read_text(encoding="utf-8")),
    )


def _dynamics(
    setting: Setting, state: State, params: Params, actions: Sequence[Action], t0_s: float, t1_s: float, rng: np.random.Generator
) -> State:
    """Growth and what is given, in [t0, t1); the discrepancy wanders on."""
    start_s = t0_s - float(state["age_s"][0])
    wander = stepped(state["wander_1"], params["discrepancy_1"], float(np.exp(-(t1_s - t0_s) / MEMORY_s)), rng)
    reached = advance(state, params, unfolded(setting, actions, start_s), t1_s - start_s)
    return {**reached, "wander_1": wander, "calendar_s": np.full_like(wander, start_s)}


def _seen(kind: str, state: State, params: Params) -> Array:
    return np.asarray(predicted(kind, state, params) + state["wander_1"])[:, None]
