"""What decisions are taken on: time to progression and what it costs, if from now on a plan is given."""

from functools import partial

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.model import Readout
from gemel.core.record import Plan
from gemel.core.time import DAY_S
from gemel.systems.glioma.course import advance, progression_d
from gemel.systems.glioma.events import Dated, Setting, unfolded

LATER_d = 84.0
"""The burden is told this long after the last of a plan, or after now."""
PRICE_1_Gy = 0.06
"""What a gray of the exam's loss weighs against ln burden: near the kill of a gray at the median α, so that neither side wins by itself."""


def readouts(setting: Setting) -> dict[str, Readout]:
    """By name."""
    return {
        "progression_d": Readout(
            "d", partial(_progression, setting), "days from the first fraction until the living burden is 40 % above that day's"
        ),
        "total_dose_Gy": Readout("Gy", partial(_total, setting, "dose_Gy"), "dose of the whole course"),
        "brain_BED_Gy": Readout("Gy", partial(_total, setting, "brain_BED_Gy"), "biologically effective dose of the course, α/β = 2 Gy"),
        "burden_mL": Readout("mL", partial(_burden, setting), "living burden twelve weeks after the end of the course"),
        "loss_1": Readout("1", partial(_loss, setting), "ln of that burden over the one before the course, and a price of each gray"),
    }


def rest(setting: Setting, state: State, plan: Plan) -> tuple[Dated, ...]:
    """What a plan, and what was under way, give; a plan carries calendar times, the state an age and the start's `calendar_s`."""
    return unfolded(setting, plan, float(state["calendar_s"][0]))


def _progression(setting: Setting, state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Float[Array, "draws"]:
    return progression_d(state, params, rest(setting, state, plan))


def _ended(setting: Setting, state: State, params: Params, plan: Plan, later_d: float) -> State:
    """The state some days after the last of a plan."""
    events = rest(setting, state, plan)
    last_s = max([float(state["age_s"][0]), *(event.age_s + 1.0 for event in events)])
    return advance(state, params, events, last_s + later_d * DAY_S)


def _total(setting: Setting, name: str, state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Float[Array, "draws"]:
    return np.asarray(_ended(setting, state, params, plan, 0.0)[name])


def _burden(setting: Setting, state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Float[Array, "draws"]:
    return np.asarray(_ended(setting, state, params, plan, LATER_d)["burden_mL"])


def _loss(setting: Setting, state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Float[Array, "draws"]:
    """Of a state after the course as of one before it: what is left of the plan is given first."""
    after = _ended(setting, state, params, plan, 0.0)
    before = np.where(after["start_s"] < 0, after["burden_mL"], after["start_mL"])
    return np.asarray(np.log(after["burden_mL"] / before) + PRICE_1_Gy * after["dose_Gy"])
