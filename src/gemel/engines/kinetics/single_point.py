"""Time-integrated activity from one scan: the rule of Hänscheid, and a known or a population's effective half-life."""

import math

import numpy as np
from jaxtyping import Float
from scipy.stats import norm

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.engines.kinetics.scans import require_times

VALID = (0.75, 2.5)
"""Scan times in effective half-lives between which the rule is within about 10 % (Hänscheid 2018)."""


def hanscheid_tia_Bq_s(activity_Bq: Float[Array, "*regions"], t_s: float) -> Float[Array, "*regions"]:
    """A(t)·2t/ln2. Hänscheid et al. 2018, J Nucl Med 59:75. The error for a mono-exponential curve is `hanscheid_ratio`."""
    require_times(np.array([t_s]))
    return np.asarray(_measured(activity_Bq) * 2.0 * t_s / math.log(2))


def hanscheid_ratio(t_s: float, half_life_s: Float[Array, "*n"] | float) -> Float[Array, "*n"]:
    """Estimate over truth of the rule for a mono-exponential curve, (2t/T)·2^(-t/T): 1 at t = T and 2T, 1.06 at most between."""
    x = t_s / np.asarray(half_life_s, dtype=np.float64)
    return np.asarray(2.0 * x * 2.0**-x)


def single_time_point(
    activity_Bq: Float[Array, "*#draws #regions"], t_s: float, half_life_s: Float[Array, "*#draws #regions"]
) -> Float[Array, "..."]:
    """A(t)·2^(t/T)·T/ln2 of a mono-exponential curve for draws of activity and effective half-life; they broadcast.

    The draws of T come from `population_half_life_s`, or from the posterior of an earlier cycle of the same patient.
    """
    require_times(np.array([t_s]))
    half_life = np.asarray(half_life_s, dtype=np.float64)
    if not (np.isfinite(half_life) & (half_life > 0)).all():
        remedy = "give an effective half-life from a population or an earlier cycle"
        raise RangeError("an effective half-life that is not positive", where="single_time_point", remedy=remedy)
    return np.asarray(_measured(activity_Bq) * 2.0 ** (t_s / half_life) * half_life / math.log(2))


def population_half_life_s(
    median_s: float, log_sd: float, physical_s: float, *, draws: int, rng: np.random.Generator
) -> Float[Array, "draws"]:
    """Draws of a log-normal effective half-life, cut off at the physical one. Effective half-lives are log-normal among patients:
    Hou et al. 2021, J Nucl Med 62:1006.
    """
    if not 0 < median_s < physical_s or not log_sd > 0:
        remedy = "give a median below the physical half-life and a positive log_sd"
        raise RangeError(f"a median of {median_s:.4g} s with log_sd {log_sd}", where="population_half_life_s", remedy=remedy)
    top = norm.cdf(math.log(physical_s / median_s) / log_sd)
    return np.asarray(median_s * np.exp(log_sd * norm.ppf(top * rng.random(draws))))


def activity_draws_Bq(
    activity_Bq: Float[Array, "regions"], sd_Bq: Float[Array, "regions"], *, draws: int, rng: np.random.Generator
) -> Float[Array, "draws regions"]:
    """Log-normal draws with that mean and standard deviation, which stay positive."""
    log_var = np.log1p((sd_Bq / _measured(activity_Bq)) ** 2)
    normal = rng.standard_normal((draws, len(activity_Bq)))
    return np.asarray(activity_Bq * np.exp(np.sqrt(log_var) * normal - log_var / 2))


def _measured(activity_Bq: Array) -> Array:
    activity = np.asarray(activity_Bq, dtype=np.float64)
    if not np.isfinite(activity).all() or (activity <= 0).any():
        found = "an activity that is not finite or not positive"
        raise InputError(found, where="single time point", remedy="check the mask, the background and the scan")
    return activity
