"""Dose against detectability at one setting."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.devices.ct.anatomy import Anatomy
from gemel.devices.ct.choice.allowed import Allowed
from gemel.devices.ct.choice.choose import Judged
from gemel.devices.ct.exposure import expose
from gemel.devices.ct.scanner import Scanner
from gemel.devices.ct.slice_model import slice_model


@dataclass(frozen=True)
class Curve:
    """CTDIvol (mGy) against d' with its 90 % interval, and P(d' ≥ target)."""

    ctdivol_mGy: Float[Array, "n"]
    detectability: Float[Array, "n"]
    low: Float[Array, "n"]
    high: Float[Array, "n"]
    probability: Float[Array, "n"]


def dose_curve(
    anatomy: Anatomy,
    scanner: Scanner,
    *,
    judged: Judged,
    target: float,
    allowed: Allowed,
    ln_draws: Float[Array, "draws"],
    points: int = 24,
) -> Curve:
    """The setting of `judged` from the least to the most mAs that are allowed, evenly in their logarithm."""
    protocol = judged.forecast.protocol
    shot = expose(anatomy, scanner, protocol.kVp)
    forecasts = [
        slice_model(anatomy, scanner, protocol=replace(protocol, mAs=float(mAs)), task=judged.task, exposure=shot)
        for mAs in np.geomspace(allowed.least_mAs, allowed.most_mAs, points)
    ]
    d = np.array([one.detectability for one in forecasts])
    draws = d[:, None] * np.exp(ln_draws)
    low, high = np.quantile(draws, (0.05, 0.95), axis=1)
    return Curve(np.array([one.ctdivol_mGy for one in forecasts]), d, low, high, (draws >= target).mean(axis=1))
