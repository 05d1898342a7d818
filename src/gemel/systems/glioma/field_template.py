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
from gemel.systems.glioma.field_learning import FieldPrior, condition
from gemel.systems.glioma.field_readouts import readouts
from gemel.systems.glioma.field_shown import KINDS, predicted, shown
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.learning import MEMORY_s
from gemel.systems.glioma.population import population
from gemel.systems.glioma.shape import KINDS as SHAPES
from gemel.systems.glioma.transport import ways

VERSION = "2-field"


def model_of(on: Ground, setting: Setting) -> Model:
    """The model of a patient whose first visit is that, given that."""
    parameters = population("population_field.json")
    return Model(
        name="glioma",
        version=VERSION,
        parameters=parameters,
        prior=FieldPrior(parameters, ways(on)),
        dynamics=partial(_dynamics, on, setting),
        observe={kind: partial(_seen, kind) for kind in KINDS},
        readouts=readouts(on, setting),
        condition=condition(on, setting, parameters),
        card=read_card(files(__package__).joinpath("card.md").read_text(encoding="utf-8")),
    )


def _dynamics(
    on: Ground,
    setting: Setting,
    state: State,
    params: Params,
    actions: Sequence[Action],
    t0_s: float,
    t1_s: float,
    rng: np.random.Generator,
) -> State:
    """Growth and what is given, in [t0, t1), and what images would show then; the discrepancy wanders on."""
    start_s = t0_s - float(state["age_s"][0])
    wander = stepped(state["wander_1"], params["discrepancy_1"], float(np.exp(-(t1_s - t0_s) / MEMORY_s)), rng)
    reached = advance(state, unfolded(setting, actions, start_s), t1_s - start_s)
    features = shown(on, params, past(reached), [t1_s - start_s])[:, 0]
    return {**reached, "wander_1": wander, "calendar_s": np.full_like(wander, start_s), "shown_1": features}


def _seen(kind: str, state: State, params: Params) -> Array:
    """A volume with its discrepancy; a shape's is in its standard deviation."""
    found = predicted(kind, state["shown_1"])
    return found if kind in SHAPES.values() else np.asarray(found + state["wander_1"][:, None])
