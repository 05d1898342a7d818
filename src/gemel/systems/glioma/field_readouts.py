"""What decisions are taken on, of the field member: the names and meanings of `readouts`."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.model import Readout
from gemel.core.record import Plan
from gemel.core.time import DAY_S
from gemel.systems.glioma.course import PROGRESSED, ahead
from gemel.systems.glioma.events import FRACTION, Dated, Setting, late_BED_Gy
from gemel.systems.glioma.field_course import LEAST_mL, past
from gemel.systems.glioma.field_shown import volumes_mL
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.readouts import LATER_d, PRICE_1_Gy, rest

HORIZON_d, EVERY_d = 400.0, 10.0
"""Progression is told apart up to here: beyond, the field leaves what is kept around the tumour."""


def readouts(on: Ground, setting: Setting) -> dict[str, Readout]:
    """By name."""
    said = f"days from the first fraction until the living enhancing volume is 40 % above that day's, at most {HORIZON_d:g}"
    return {
        "progression_d": Readout("d", partial(_progression, on, setting), said),
        "total_dose_Gy": Readout("Gy", partial(_total, setting, "dose_Gy"), "dose of the whole course"),
        "brain_BED_Gy": Readout("Gy", partial(_total, setting, "brain_BED_Gy"), "biologically effective dose of the course, α/β = 2 Gy"),
        "burden_mL": Readout("mL", partial(_burden, on, setting), "living enhancing volume twelve weeks after the end of the course"),
        "loss_1": Readout("1", partial(_loss, on, setting), "ln of that over the one before the course, and a price of each gray"),
    }


def _progression(on: Ground, setting: Setting, state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Float[Array, "draws"]:
    events, now_s = _whole(setting, state, plan), float(state["age_s"][0])
    start_s = _begun_s(events, now_s)
    ages = np.arange(max(start_s, now_s), start_s + (HORIZON_d + EVERY_d) * DAY_S, EVERY_d * DAY_S)
    if len(ages) < 2:
        return np.full(len(state["age_s"]), HORIZON_d)
    before = [e for e in events if e.age_s < start_s]
    start_mL = _living_mL(on, params, before, [start_s])[:, 0]
    mL = _living_mL(on, params, events, list(ages))
    t_d = np.broadcast_to((ages - start_s) / DAY_S, mL.shape)
    return _crossed(t_d, mL, PROGRESSED * np.maximum(start_mL, LEAST_mL))


def _living_mL(on: Ground, params: Params, events: Sequence[Dated], ages_s: Sequence[float]) -> Float[Array, "draws times"]:
    """Enhancing volume without dead cells: those that are cleared are no progression, nor their clearance a gain."""
    return volumes_mL(on, params, events, ages_s, dead=False)[:, :, 0]


def _whole(setting: Setting, state: State, plan: Plan) -> tuple[Dated, ...]:
    """What was given, and what a plan gives from now on."""
    return (*past(state), *ahead(state, rest(setting, state, plan)))


def _begun_s(events: Sequence[Dated], now_s: float) -> float:
    """Age at the first fraction; now, without one."""
    return next((e.age_s for e in events if e.kind == FRACTION), now_s)


def _crossed(t_d: Float[Array, "draws times"], mL: Float[Array, "draws times"], limit_mL: Float[Array, "draws"]) -> Float[Array, "draws"]:
    """When each first reaches its limit, straight between times."""
    over = mL >= limit_mL[:, None]
    n, rows = np.maximum(over.argmax(axis=1), 1), np.arange(len(mL))
    low, high = mL[rows, n - 1], mL[rows, n]
    part = np.clip((limit_mL - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
    found = t_d[rows, n - 1] + part * (t_d[rows, n] - t_d[rows, n - 1])
    return np.asarray(np.minimum(np.where(over.any(axis=1), np.where(over[:, 0], t_d[:, 0], found), HORIZON_d), HORIZON_d))


def _total(setting: Setting, name: str, state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Float[Array, "draws"]:
    doses = [e.amount for e in ahead(state, rest(setting, state, plan)) if e.kind == FRACTION]
    return np.asarray(state[name] + sum(map(late_BED_Gy, doses) if name == "brain_BED_Gy" else doses))


def _burden(on: Ground, setting: Setting, state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Float[Array, "draws"]:
    events = _whole(setting, state, plan)
    return np.asarray(_living_mL(on, params, events, [_last_s(state, events) + LATER_d * DAY_S])[:, 0])


def _last_s(state: State, events: Sequence[Dated]) -> float:
    return max([float(state["age_s"][0]), *(event.age_s + 1.0 for event in events)])


def _loss(on: Ground, setting: Setting, state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Float[Array, "draws"]:
    events = _whole(setting, state, plan)
    start_s = _begun_s(events, float(state["age_s"][0]))
    before = _living_mL(on, params, [e for e in events if e.age_s < start_s], [start_s])[:, 0]
    after = _living_mL(on, params, events, [_last_s(state, events)])[:, 0]
    dose_Gy = _total(setting, "dose_Gy", state, params, plan, rng)
    return np.asarray(np.log((after + LEAST_mL) / (before + LEAST_mL)) + PRICE_1_Gy * dose_Gy)
