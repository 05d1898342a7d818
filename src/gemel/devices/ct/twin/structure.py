"""The scanner as a linear system: components that wander, days that come and go, and what images show of both."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params
from gemel.core.image import Array
from gemel.core.record import Action
from gemel.core.time import DAY_S
from gemel.devices.ct.twin.names import CAUSE_OF, COMPONENTS, DAY, METRICS, WAIT
from gemel.devices.ct.twin.table import left_by, parameters, row, table
from gemel.engines.inference.conditional import LinearGaussian

START_d = 5.0
"""Days of wander since the calibration that the baseline began with."""
DAY_SD = (0.4, 0.01)
"""Of `day_HU` and `day_noise_1` at day_1 = 1."""
DAY_ON = {
    "water_HU": (1.0, 0.0),
    "light_HU": (0.9, 0.0),
    "dense_HU": (1.9, 0.0),
    "ln_noise_centre_1": (0.0, 1.0),
    "ln_noise_edge_1": (0.0, 1.0),
}


def structure(response: Float[Array, "m d"]) -> LinearGaussian:
    """Random walks of the components, Ornstein–Uhlenbeck days, and emission by `response`."""
    whole = np.concatenate([response, np.array([DAY_ON.get(name, (0.0, 0.0)) for name in METRICS])], axis=1)
    emission: dict[str, Callable[[Params], Array]] = {name: partial(_seen, whole[i : i + 1]) for i, name in enumerate(METRICS)}
    return LinearGaussian((*COMPONENTS, *DAY), parameters(), _initial, _transition, emission, _acted)


def _walk(params: Params) -> Float[Array, "n d"]:
    """Variance a day of each component."""
    return np.square(np.stack([params[f"walk_{cause}_1"] for cause in CAUSE_OF], axis=1) * row("walk_sqrt_d"))


def _day(params: Params) -> Float[Array, "n two"]:
    return np.square(params["day_1"][:, None] * np.array(DAY_SD))


def _initial(params: Params) -> Float[Array, "n d"]:
    return np.concatenate([START_d * _walk(params), _day(params)], axis=1)


def _transition(params: Params, dt_s: float) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
    walk, day = _walk(params), _day(params)
    keep = np.exp(-dt_s / DAY_S / params["memory_d"])[:, None] * np.ones(2)
    decay = np.concatenate([np.ones_like(walk), keep], axis=1)
    return decay, np.concatenate([walk * dt_s / DAY_S, day * (1 - keep**2)], axis=1)


def _acted(action: Action, params: Params) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
    """What is left of each departure, and the error of setting it right: that of some days of wander."""
    walk = _walk(params)
    left = np.ones(len(COMPONENTS)) if action.kind == WAIT else left_by(action.kind)
    decay = np.concatenate([left, np.ones(len(DAY))]) * np.ones((len(walk), 1))
    added = np.concatenate([(left < 1.0) * table()["error_of_action_d"] * walk, np.zeros((len(walk), len(DAY)))], axis=1)
    return decay, added


def _seen(matrix: Float[Array, "one d"], params: Params) -> Float[Array, "n one d"]:
    return np.broadcast_to(matrix, (len(params["day_1"]), *matrix.shape))
