"""What is known of a stream of daily values from its first days: level, memory from day to day, and spread."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.number import numbers

FEWEST = 15
"""Days below which level, memory and spread together cannot be told."""
STEADIEST = 0.95


@dataclass(frozen=True)
class Baseline:
    """y_t − mean = phi·(y_{t−1} − mean) + sd·ε_t, estimated from `days` consecutive days."""

    mean: float
    phi: float
    sd: float
    days: int


def fit(values: Float[Array, "days"], phi: float | None = None) -> Baseline:
    """AR(1) of first days: least squares, the memory corrected for its bias −(1 + 3φ)/n (Kendall 1954, Biometrika 41:403), unless given.

    Raises InputError for fewer than FEWEST days, values that are not finite, or no spread at all.
    """
    y = np.atleast_1d(numbers(values, "values"))
    n = len(y)
    if y.ndim != 1 or n < FEWEST:
        raise InputError(f"{n} baseline days", where="control chart", remedy=f"measure at least {FEWEST} days, better 30")
    if not np.isfinite(y).all() or np.ptp(y) <= 1e-12 * np.abs(y).max():
        raise InputError("baseline values that are not finite or all the same", where="control chart", remedy="give measured values")
    off = y - y.mean()
    raw = float(off[1:] @ off[:-1] / (off[:-1] @ off[:-1]))
    held = float(np.clip((n * raw + 1.0) / (n - 3.0), -STEADIEST, STEADIEST)) if phi is None else float(phi)
    rest = off[1:] - held * off[:-1]
    return Baseline(float(y.mean()), held, float(np.sqrt(rest @ rest / (n - 3))), n)


def whitened(
    baseline: Baseline, values: Float[Array, "n"], gaps_d: Float[Array, "n"] | None = None, before: float | None = None
) -> Float[Array, "n"]:
    """Standard residuals of one day given the day before; `gaps_d` days since the value before (1 unless stated).

    e = (y − m) − φ^g (y' − m), of variance sd²(1 − φ^2g)/(1 − φ²); the first stands alone, unless there is a value `before` it.
    """
    off = np.asarray(values, dtype=np.float64) - baseline.mean
    gaps = np.ones(len(off)) if gaps_d is None else np.maximum(np.asarray(gaps_d, dtype=np.float64), 1e-9)
    size = abs(baseline.phi)
    decay = np.where(gaps == 1.0, baseline.phi, size**gaps * (1.0 if baseline.phi > 0 else np.cos(np.pi * np.rint(gaps))))
    past = np.concatenate([[0.0 if before is None else before - baseline.mean], off[:-1]])
    if before is None and len(decay):
        decay[0] = 0.0
    return np.asarray((off - decay * past) / (baseline.sd * np.sqrt((1 - decay**2) / (1 - size**2))))
