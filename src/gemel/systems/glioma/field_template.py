"""The model of one patient's tumour as a field of cells on the grid of the first visit: the slow member of the family."""

from collections.abc import Sequence
from functools import partial
from importlib.resources import files

import numpy as np

from gemel.core.belief import Params, State
from gemel.core.card import read_card
from gemel.core.image import Array
from gemel.core.model import Model
from gemel.core.record import Action
from gemel.engines.inference.discrepancy import stepped
from gemel.systems.glioma.events import Setting, unfolded
from gemel.systems.glioma.field_course import advance, past
from gemel.systems.glioma.field_learning import DISCREPANCY_1, KIND, FieldPrior, condition, predicted, volumes_mL
from gemel.systems.glioma.field_readouts import readouts
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.learning import MEMORY_s
from gemel.systems.glioma.population import population

VERSION = "1-field"


def model_of(on: Ground, setting: Setting) -> Model:
    """The model of a patient whose first visit is that, given that."""
    parameters = population("population_field.json")
    return Model(
        name="glioma",
        version=VERSION,
        parameters=parameters,
        prior=FieldPrior(parameters),
        dynamics=partial(_dynamics, setting),
        observe={kind: partial(_seen, on, kind) for kind in KIND},
        readouts=readouts(on, setting),
        condition=condition(on, setting, parameters),
        card=read_card(files(__package__).joinpath("card.md").read_text(encoding="utf-8")),
    )


def _dynamics(
    setting: Setting,
    state: State,
    params: Params,
    actions: Sequence[Action],
    t0_s: float,
    t1_s: float,
    rng: np.random.Generator,
) -> State:
    """Growth and what is given, in [t0, t1); the discrepancy wanders on."""
    start_s = t0_s - float(state["age_s"][0])
    size = np.full(len(state["wander_1"]), DISCREPANCY_1)
    wander = stepped(state["wander_1"], size, float(np.exp(-(t1_s - t0_s) / MEMORY_s)), rng)
    reached = advance(state, unfolded(setting, actions, start_s), t1_s - start_s)
    return {**reached, "wander_1": wander, "calendar_s": np.full_like(wander, start_s)}


def _seen(on: Ground, kind: str, state: State, params: Params) -> Array:
    mL = volumes_mL(on, params, past(state), [float(state["age_s"][0])])[:, 0]
    return np.asarray(predicted(kind, mL) + state["wander_1"])[:, None]
