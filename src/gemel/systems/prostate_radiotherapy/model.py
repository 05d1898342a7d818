"""The prostate radiotherapy model: motion of the pelvis from day to day, what a CBCT shows of it, and how well a stored plan fits it."""

from collections.abc import Mapping
from functools import partial
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.card import read_card
from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.model import Model, Observe, Readout
from gemel.core.record import Action, Plan
from gemel.engines.inference import conditional
from gemel.systems.prostate_radiotherapy.motion import KINDS, structure
from gemel.systems.prostate_radiotherapy.population import Population, published_population

VERSION = "1.0.0"
LEVER_MM = 15.0
"""Half the length of a prostate: a rotation by φ moves its ends by about LEVER_MM·φ."""


ANATOMY = ("ln_bladder_ratio", "ln_rectum_ratio", "prostate_mm", "rotation_deg")
"""Observation kinds that make up the day's anatomy, in the order of COORDINATES."""


def model(anatomies: Float[Array, "k 6"], readouts: Mapping[str, Readout] | None = None, population: Population | None = None) -> Model:
    """The model with a library of `k` plans made for `anatomies` (rows in the order of COORDINATES).

    Without `readouts` (dose–volume emulators of a patient's plans) it decides on geometry alone: `prostate_residual_mm`.
    """
    table = population or published_population()
    linear = structure(table)
    observe = {kind: conditional.observe(linear, kind) for kind in KINDS}
    residual = Readout("mm", partial(_residual_mm, observe, anatomies), "distance from the prostate of the day to the plan's")
    return Model(
        name="prostate_radiotherapy",
        version=VERSION,
        parameters=linear.parameters,
        prior=conditional.ConditionalPrior(linear),
        dynamics=conditional.dynamics(linear),
        observe=observe,
        readouts={"prostate_residual_mm": residual, **(readouts or {})},
        condition=conditional.condition(linear),
        card=read_card(files(__package__).joinpath("card.md").read_text(encoding="utf-8")),
    )


def coordinates(observe: Mapping[str, Observe], state: State, params: Params) -> Float[Array, "draws 6"]:
    """The day's anatomy of each draw, in the order of COORDINATES."""
    return np.concatenate([observe[kind](state, params) for kind in ANATOMY], axis=1)


def treat(plan_index: int, t_s: float, source: str = "") -> Action:
    """The action of giving one fraction with a plan of the library; proposed unless a source is named."""
    return Action("treat", t_s, float(plan_index), "plan", source)


def plan_index(plan: Plan, count: int) -> int:
    """Which plan of the library a proposed plan gives. Raises RangeError when it gives none, or one that is not there."""
    chosen = [int(action.amount) for action in plan if action.kind == "treat"]
    if len(chosen) != 1 or not 0 <= chosen[0] < count:
        raise RangeError(f"plans {chosen} of a library of {count}", where="treat", remedy="propose one plan of the library")
    return chosen[0]


def _residual_mm(
    observe: Mapping[str, Observe], anatomies: Array, state: State, params: Params, plan: Plan, rng: np.random.Generator
) -> Float[Array, "draws"]:
    anatomy = anatomies[plan_index(plan, len(anatomies))]
    difference = coordinates(observe, state, params) - anatomy
    ends_mm = LEVER_MM * np.radians(difference[:, 5])
    return np.asarray(np.sqrt(np.square(difference[:, 2:5]).sum(axis=1) + np.square(ends_mm)))
