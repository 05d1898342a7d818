"""What decisions about a scanner are taken on: the task's loss, HU of water, and what waiting or acting costs."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.model import Readout
from gemel.core.record import Plan
from gemel.devices.ct.twin.names import COMPONENTS, METRICS, RECALIBRATE, SERVICE
from gemel.devices.ct.twin.task import FIVE_mm, Sensitivity, ln_dprime

LIMITS = {"water_HU": 4.0, "uniformity_HU": 5.0, "ring_HU": 5.0, "scale_pct": 1.0, "ln_mtf50_1": float(np.log(1.1))}
"""Largest departures: IEC 61223-3-5:2019 and AAPM Report 233 (2019) speak of ±4 HU, 4 to 5 HU, 1 mm in 100, 10 % (to be checked)."""
LEAST_LN_DPRIME = float(np.log(0.9))
"""A tenth of d' lost. Assumed."""
COST = {RECALIBRATE: 0.1, SERVICE: 0.25}
"""Of an action, in units of the loss at the limit. Assumed: an hour of the scanner, and a day."""
UNITS = {"ln_dprime_1": "1", "water_shift_HU": "HU", "worst_1": "1", "loss_1": "1"}
WHAT = {
    "ln_dprime_1": "ln of d' of the 5 mm lesion over that of the baseline",
    "water_shift_HU": "HU of water less that of the baseline",
    "worst_1": "the largest departure in units of its limit",
    "loss_1": "the largest departure in units of its limit, and the price of the action",
}


def departures(state: State) -> Float[Array, "draws d"]:
    """The components stacked."""
    return np.stack([state[name] for name in COMPONENTS], axis=-1)


def worst(values: Float[Array, "*draws d"], response: Float[Array, "m d"], task: Sensitivity = FIVE_mm) -> Float[Array, "*draws"]:
    """The largest departure of a metric, or of d', in units of its limit."""
    found = [np.abs(values @ response[METRICS.index(name)]) / limit for name, limit in LIMITS.items()]
    return np.asarray(np.maximum.reduce([*found, np.abs(np.minimum(ln_dprime(values, response, task), 0.0)) / -LEAST_LN_DPRIME]))


def values(state: State, response: Float[Array, "m d"], plan: Plan, task: Sensitivity = FIVE_mm) -> Mapping[str, Float[Array, "draws"]]:
    """Every readout of a state after a plan."""
    now = departures(state)
    largest = worst(now, response, task)
    price = sum(COST.get(action.kind, 0.0) for action in plan)
    return {
        "ln_dprime_1": ln_dprime(now, response, task),
        "water_shift_HU": now @ response[METRICS.index("water_HU")],
        "worst_1": largest,
        "loss_1": largest + price,
    }


def readouts(response: Float[Array, "m d"], task: Sensitivity = FIVE_mm) -> dict[str, Readout]:
    """By name."""
    return {name: Readout(UNITS[name], partial(_computed, name, response, task), WHAT[name]) for name in WHAT}


def _computed(
    name: str, response: Array, task: Sensitivity, state: State, params: Params, plan: Plan, rng: np.random.Generator
) -> Float[Array, "draws"]:
    return np.asarray(values(state, response, plan, task)[name])
