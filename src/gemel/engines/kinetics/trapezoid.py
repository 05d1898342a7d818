"""Time-integrated activity without a model between the scans: straight lines, and an exponential tail."""

import math
from typing import Literal

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.kinetics.physical import require_physical
from gemel.engines.kinetics.scans import Scans

Start = Literal["zero", "constant"]
Tail = Literal["physical", "fitted"]


def trapezoid(
    scans: Scans, physical_s: float, *, start: Start = "zero", tail: Tail = "fitted"
) -> tuple[Float[Array, "regions"], Float[Array, "regions"]]:
    """Time-integrated activity and its standard deviation, Bq s.

    Before the first scan: a line from zero, or the first activity held back to t = 0. After the last: A_n/λ with the rate of physical decay
    (an upper bound), or that of the last two scans, never slower than physical. The sd is GLS error propagation through both.
    Every region must be seen in every scan. Raises RangeError for half-lives longer than physical.
    """
    require_physical(scans, physical_s)
    decay_1_s = math.log(2) / physical_s
    weights = _weights_s(scans.t_s, start)
    tia = scans.activity_Bq @ weights
    slope = np.broadcast_to(weights, scans.activity_Bq.shape).copy()
    rate, by_last, by_before = _tail_rate(scans, decay_1_s, tail)
    last = scans.activity_Bq[:, -1]
    slope[:, -1] += 1.0 / rate - last / rate**2 * by_last
    if tail == "fitted" and len(scans.t_s) > 1:
        slope[:, -2] -= last / rate**2 * by_before
    return tia + last / rate, np.sqrt(((slope * scans.sd_Bq) ** 2).sum(axis=1))


def _weights_s(t_s: Array, start: Start) -> Float[Array, "scans"]:
    """∫ of the straight lines = Σ w_i A_i."""
    steps = np.diff(t_s)
    weights = np.zeros(len(t_s))
    weights[:-1] += steps / 2
    weights[1:] += steps / 2
    weights[0] += t_s[0] * (1.0 if start == "constant" else 0.5)
    return weights


def _tail_rate(scans: Scans, decay_1_s: float, tail: Tail) -> tuple[Array, Array, Array]:
    """Rate of the tail of each region and its derivatives by the last and the last but one activity."""
    last = scans.activity_Bq[:, -1]
    still = np.zeros(len(last))
    if tail == "physical" or len(scans.t_s) == 1:
        return np.full(len(last), decay_1_s), still, still
    before, step = scans.activity_Bq[:, -2], scans.t_s[-1] - scans.t_s[-2]
    rate = np.log(np.maximum(before, 1e-300) / np.maximum(last, 1e-300)) / step
    free = (rate > decay_1_s) & (last > 0)
    by_last = np.where(free, -1.0 / (step * np.maximum(last, 1e-300)), 0.0)
    by_before = np.where(free, 1.0 / (step * np.maximum(before, 1e-300)), 0.0)
    return np.where(free, rate, decay_1_s), by_last, by_before
