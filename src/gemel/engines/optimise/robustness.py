"""One value from the penalties of many scenarios: expected, worst case, or the mean of the worst tail (CVaR)."""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array


def tail_mean(
    penalties: Float[Array, "scenarios"], probability: Float[Array, "scenarios"], *, tail_fraction: float, temperature: float
) -> tuple[float, Float[Array, "scenarios"]]:
    """Mean of the worst `tail_fraction` τ of the scenarios, smoothed, and its derivative q with respect to each penalty.

    max over q of Σ q·f − T·Σ q·log(q/p), with Σ q = 1 and 0 ≤ q ≤ p/τ. Without smoothing (T = 0) this is the CVaR of Rockafellar &
    Uryasev 2000, J Risk 2:21, in its dual form: τ = 1 is the expected value, τ → 0 the worst case; at most T·log(1/min p) below it.
    """
    if tail_fraction >= 1 or temperature <= 0:
        share = probability if tail_fraction >= 1 else _sharp_tail(penalties, probability, tail_fraction)
        return float(share @ penalties), share
    share = _smooth_tail(penalties, probability, _cap(probability, tail_fraction), temperature)
    used = share > 0
    entropy = float(share[used] @ np.log(share[used] / probability[used]))
    return float(share @ penalties) - temperature * entropy, share


def _smooth_tail(
    penalties: Float[Array, "scenarios"], probability: Float[Array, "scenarios"], cap: Float[Array, "scenarios"], temperature: float
) -> Float[Array, "scenarios"]:
    """q = min(cap, c·p·exp(f/T)) with c such that Σ q = 1; the scenarios that reach their cap are found in turn, worst first."""
    share, free = np.zeros(penalties.size), probability > 0
    while free.any():
        tilted = np.where(free, probability * np.exp(np.minimum(penalties - penalties[free].max(), 0.0) / temperature), 0.0)
        share = np.where(free, tilted * ((1.0 - share[~free].sum()) / tilted.sum()), share)
        over = free & (share > cap)
        if not over.any():
            break
        share, free = np.where(over, cap, share), free & ~over
    return share


def _sharp_tail(
    penalties: Float[Array, "scenarios"], probability: Float[Array, "scenarios"], tail_fraction: float
) -> Float[Array, "scenarios"]:
    share, left, cap = np.zeros(penalties.size), 1.0, _cap(probability, tail_fraction)
    for s in np.argsort(-penalties, kind="stable"):
        share[s] = min(left, cap[s])
        left -= share[s]
    return share


def _cap(probability: Float[Array, "scenarios"], tail_fraction: float) -> Float[Array, "scenarios"]:
    return probability / tail_fraction if tail_fraction > 0 else np.where(probability > 0, np.inf, 0.0)
