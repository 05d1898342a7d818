"""How much of a day is left the day after, for several streams of one site at once: each one's own estimate, drawn towards their mean.

Thirty days tell one stream's memory to ± 0.18, too little for its charts; what a site's days have in common (temperature, set-up) makes
its streams remember alike. Normal means with unknown spread τ² about φ̄: φ_i = φ̄ + (1 − B)(φ̂_i − φ̄), B = v/(v + τ²), v = (1 − φ̄²)/n,
of variance v(1 − B). Efron & Morris 1973, JASA 68:117. That B is an estimate itself is left out; the charts ask a little more for it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.inference.charts.baseline import STEADIEST, Baseline

ENOUGH = 4
"""Streams below which there is nothing to draw towards."""


@dataclass(frozen=True)
class Memory:
    """Each stream's memory, the error that is its own, and the error that all share (of their mean, as far as they were drawn to it)."""

    phi: Float[Array, "m"]
    own_sd: Float[Array, "m"]
    shared_sd: Float[Array, "m"]


def pooled(found: tuple[Baseline, ...], residuals: Float[Array, "days m"]) -> Memory:
    """Memories of streams whose whitened residuals are given; errors of alike streams go together as their correlation squared."""
    phi = np.array([one.phi for one in found])
    n, m = residuals.shape
    if m < ENOUGH:
        return Memory(phi, np.sqrt((1 - phi**2) / n), np.zeros(m))
    mean = float(phi.mean())
    variance = (1 - mean**2) / n
    together = np.square(np.corrcoef(residuals, rowvar=False))
    apart = 1 - (float(together.sum()) - m) / (m * (m - 1))
    tau2 = max(float(phi.var(ddof=1)) - variance * apart, 0.0)
    drawn = variance / (variance + tau2)
    off = phi - mean
    own = np.full(m, variance * (1 - drawn))
    held = np.clip(mean + (1 - drawn) * off, -STEADIEST, STEADIEST)
    return Memory(held, np.sqrt(own), np.full(m, drawn * np.sqrt(variance * float(together.mean()))))
