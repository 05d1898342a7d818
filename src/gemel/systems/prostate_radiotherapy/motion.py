"""How the pelvis moves from day to day: each channel is a patient mean plus a slow trend plus a daily part.

y_c(t) = m_c + g_c(t) + e_c(t) + Σ_k c_k y_k(t): m the systematic part, g a Gaussian process with exponential kernel over days
(Ornstein–Uhlenbeck, exact for any interval; Rasmussen & Williams 2006, sec. B.2), e the same with a memory of hours, and the last sum
the way in which the prostate follows rectum and bladder. Given the parameters everything is linear and normal.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params
from gemel.core.image import Array
from gemel.core.time import DAY_S
from gemel.engines.inference.conditional import LinearGaussian
from gemel.systems.prostate_radiotherapy.population import CHANNELS, Population

PARTS = ("mean", "trend", "daily")
KINDS = {
    "setup_mm": ("setup_x_mm", "setup_y_mm", "setup_z_mm"),
    "ln_bladder_ratio": ("ln_bladder_ratio",),
    "ln_rectum_ratio": ("ln_rectum_ratio",),
    "prostate_mm": ("prostate_x_mm", "prostate_y_mm", "prostate_z_mm"),
    "rotation_deg": ("rotation_deg",),
}
FOLLOWS = {
    ("prostate_y_mm", "ln_rectum_ratio"): "prostate_y_per_ln_rectum_mm",
    ("prostate_z_mm", "ln_rectum_ratio"): "prostate_z_per_ln_rectum_mm",
    ("prostate_y_mm", "ln_bladder_ratio"): "prostate_y_per_ln_bladder_mm",
    ("prostate_z_mm", "ln_bladder_ratio"): "prostate_z_per_ln_bladder_mm",
    ("rotation_deg", "ln_rectum_ratio"): "rotation_per_ln_rectum_deg",
}


def structure(population: Population) -> LinearGaussian:
    """The motion as a linear Gaussian structure for the inference engine."""
    names = tuple(f"{part}_{channel}" for channel in CHANNELS for part in PARTS)

    def initial(params: Params) -> Float[Array, "n d"]:
        return _variances(population, params)

    def transition(params: Params, dt_s: float) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
        slow = np.exp(-dt_s / DAY_S / params["trend_time_d"])
        fast = np.full_like(slow, np.exp(-dt_s / DAY_S / population.daily_memory_d))
        decay = np.tile(np.stack([np.ones_like(slow), slow, fast], axis=1), len(CHANNELS))
        return decay, _variances(population, params) * (1 - decay**2)

    emission = {kind: _emission(channels) for kind, channels in KINDS.items()}
    return LinearGaussian(names, population.parameters, initial, transition, emission)


def _variances(population: Population, params: Params) -> Float[Array, "n d"]:
    trend = params["trend_fraction_1"]
    columns = []
    for channel in CHANNELS:
        random = np.square(params[f"sd_{_stem(channel)}"])
        columns += [np.full_like(trend, population.systematic_sd[channel] ** 2), trend * random, (1 - trend) * random]
    return np.stack(columns, axis=1)


def _stem(channel: str) -> str:
    return channel.removesuffix("_ratio") + "_1" if channel.startswith("ln_") else channel


def _emission(channels: tuple[str, ...]) -> Callable[[Params], Float[Array, "n m d"]]:
    def matrix(params: Params) -> Float[Array, "n m d"]:
        n = len(params["trend_fraction_1"])
        rows = np.zeros((n, len(channels), len(CHANNELS), len(PARTS)))
        for row, channel in enumerate(channels):
            rows[:, row, CHANNELS.index(channel)] = 1
            for (follower, leader), name in FOLLOWS.items():
                if follower == channel:
                    rows[:, row, CHANNELS.index(leader)] = params[name][:, None]
        return rows.reshape(n, len(channels), -1)

    return matrix
