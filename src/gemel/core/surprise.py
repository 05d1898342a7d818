"""Is today what the twin expected? The rank of what came within what was forecast."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.forecast import Forecast
from gemel.core.image import Array
from gemel.core.record import Observation

ALARM = 0.01
"""Probability of an alarm on a day that is as forecast, for each kind of observation."""


@dataclass(frozen=True)
class Surprise:
    """`rank` in [0, 1] of each component in its predictive distribution, `tail` its two-sided probability, `crps` in the value's unit."""

    kind: str
    t_s: float
    rank: Float[Array, "..."]
    tail: Float[Array, "..."]
    crps: Float[Array, "..."]


def surprise(forecast: Forecast, observation: Observation) -> Surprise:
    """Predictive rank Σ Φ((y − d_i)/s)/n of an observation y ± s among forecast draws d_i; uniform when the forecast is honest.

    Dawid 1984, J R Stat Soc A 147:278 (prequential PIT); CRPS by Gneiting & Raftery 2007, JASA 102:359, eq. 21.
    """
    if observation.kind not in forecast.values:
        raise InputError(
            f"no forecast of {observation.kind!r}", where=f"forecast for {forecast.t_s} s", remedy="forecast it before the scan"
        )
    draws = np.asarray(forecast.values[observation.kind], dtype=np.float64)
    if draws.shape[1:] != observation.value.shape:
        raise InputError(f"draws of shape {draws.shape[1:]} for {observation.value.shape}", where=observation.kind, remedy="same shape")
    rank = np.asarray(_normal_cdf((observation.value - draws) / observation.sd).mean(axis=0))
    tail = np.asarray(2 * np.minimum(rank, 1 - rank))
    return Surprise(observation.kind, observation.t_s, rank, tail, crps(draws, observation.value))


def is_alarm(found: Surprise, level: float = ALARM) -> bool:
    """Whether the least likely component of one kind is too unlikely: min tail × components < level (Bonferroni)."""
    return float(found.tail.min()) * found.tail.size < level


def crps(draws: Float[Array, "draws ..."], value: Float[Array, "..."]) -> Float[Array, "..."]:
    """Continuous ranked probability score E|X − y| − E|X − X'|/2 of draws against a value, by the sorted form."""
    ordered = np.sort(draws, axis=0)
    n = len(ordered)
    weight = (2 * np.arange(1, n + 1) - n - 1).reshape(-1, *[1] * (ordered.ndim - 1))
    return np.asarray(np.abs(draws - value).mean(axis=0) - (weight * ordered).sum(axis=0) / n**2)


def _normal_cdf(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """Φ(z) by the complementary error function of Numerical Recipes, 3rd ed., eq. 6.2.21 (relative error below 1.2e-7)."""
    x = np.abs(z) / np.sqrt(2.0)
    t = 1 / (1 + 0.5 * x)
    series = (-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277)
    tail = 0.5 * t * np.exp(-x * x + sum(c * t**k for k, c in enumerate(series)))
    return np.asarray(np.where(z > 0, 1 - tail, tail))
