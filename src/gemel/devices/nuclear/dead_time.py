"""Counts lost while the detector is busy."""

import math

import numpy as np
from jaxtyping import Float
from scipy.special import lambertw

from gemel.core.errors import RangeError
from gemel.core.image import Array


def paralysable_rate_1_s(true_1_s: Float[Array, "*n"], dead_s: float) -> Float[Array, "*n"]:
    """Measured rate n·exp(-nτ): every event, seen or not, blocks the detector. Knoll 2010, Radiation Detection, §4.VII."""
    return np.asarray(true_1_s * np.exp(-np.asarray(true_1_s) * dead_s))


def nonparalysable_rate_1_s(true_1_s: Float[Array, "*n"], dead_s: float) -> Float[Array, "*n"]:
    """Measured rate n/(1 + nτ): only seen events block it."""
    return np.asarray(true_1_s / (1.0 + np.asarray(true_1_s) * dead_s))


def paralysable_true_1_s(measured_1_s: Float[Array, "*n"], dead_s: float) -> Float[Array, "*n"]:
    """The lower of the two true rates, -W(-mτ)/τ with Lambert's W. Raises RangeError above the largest measurable rate 1/(eτ)."""
    measured = _rate(measured_1_s, dead_s)
    if (measured * dead_s > 1 / math.e).any():
        found = f"a rate of {float(measured.max()):.4g}/s, above the largest that is possible, {1 / (math.e * dead_s):.4g}/s"
        raise RangeError(found, where="dead time", remedy="check the dead time; the camera may be past its maximum, wait for decay")
    if dead_s == 0:
        return measured
    branch = lambertw(-measured * dead_s, 0, 1e-12)
    return np.asarray(-np.real(branch) / dead_s)


def nonparalysable_true_1_s(measured_1_s: Float[Array, "*n"], dead_s: float) -> Float[Array, "*n"]:
    """m/(1 - mτ). Raises RangeError at and above 1/τ."""
    measured = _rate(measured_1_s, dead_s)
    if (measured * dead_s >= 1).any():
        raise RangeError(f"a rate of {float(measured.max()):.4g}/s with {dead_s} s dead", where="dead time", remedy="check the dead time")
    return np.asarray(measured / (1.0 - measured * dead_s))


def _rate(measured_1_s: Array, dead_s: float) -> Array:
    measured = np.asarray(measured_1_s, dtype=np.float64)
    if not np.isfinite(measured).all() or (measured < 0).any() or not dead_s >= 0:
        raise RangeError(f"count rates or a dead time ({dead_s} s) below zero", where="dead time", remedy="state both as positive numbers")
    return measured
