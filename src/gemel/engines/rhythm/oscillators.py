"""A wave with harmonics on a wandering baseline as a linear-Gaussian state: one model for each period of a ladder.

State: level; a short-lived swing and its speed; cosine and sine parts of each harmonic.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array


@dataclass(frozen=True)
class Oscillators:
    """Resonators at h/T for each period T of the ladder; the quasi-periodic covariance of Solin & Särkkä 2014, AISTATS 33:904.

    `amplitude_mm` of each harmonic (standard deviation of its parts), forgotten over `memory_cycles`; a baseline that wanders by
    `level_mm_sqrt_s`; a Matérn-3/2 swing of `swing_mm` over `swing_s` for what no wave explains; `noise_mm` of the sensor;
    `switch_1_s` rate of steps to a neighbouring period.
    """

    period_s: tuple[float, ...]
    amplitude_mm: tuple[float, ...]
    memory_cycles: float
    level_mm_sqrt_s: float
    swing_mm: float
    swing_s: float
    noise_mm: float
    switch_1_s: float

    def __post_init__(self) -> None:
        sizes = (self.memory_cycles, self.swing_mm, self.swing_s, self.noise_mm, self.level_mm_sqrt_s, *self.period_s, *self.amplitude_mm)
        if min(sizes) <= 0 or self.switch_1_s < 0:
            raise RangeError(f"sizes {sizes} of which one is not above zero", where="Oscillators", remedy="pass sizes above zero")

    @property
    def states(self) -> int:
        """Level, swing and its speed, two parts a harmonic."""
        return 3 + 2 * len(self.amplitude_mm)


@lru_cache(maxsize=64)
def transition(model: Oscillators, step_s: float) -> tuple[Float[Array, "n d d"], Float[Array, "n d d"]]:
    """Matrices F and Q of z ← F z + N(0, Q) over a step, exact for any step.

    Resonator: rotation by 2πh·step/T shrunk by ρ = exp(−step/(memory·T)), noise a²(1 − ρ²). Matérn-3/2: Hartikainen & Särkkä 2010,
    IEEE MLSP, with Q = P∞ − F P∞ Fᵀ. Level: a random walk.
    """
    n, d, period_s = len(model.period_s), model.states, np.array(model.period_s)
    moves, added = np.zeros((n, d, d)), np.zeros((n, d, d))
    moves[:, 0, 0], added[:, 0, 0] = 1.0, model.level_mm_sqrt_s**2 * step_s
    moves[:, 1:3, 1:3], added[:, 1:3, 1:3] = _swing(model, step_s)
    kept = np.exp(-step_s / (model.memory_cycles * period_s))
    for h, amplitude_mm in enumerate(model.amplitude_mm):
        angle = 2 * np.pi * (h + 1) * step_s / period_s
        a, b = 3 + 2 * h, 4 + 2 * h
        moves[:, a, a] = moves[:, b, b] = kept * np.cos(angle)
        moves[:, b, a] = kept * np.sin(angle)
        moves[:, a, b] = -moves[:, b, a]
        added[:, a, a] = added[:, b, b] = amplitude_mm**2 * (1 - kept**2)
    return moves, added


def _swing(model: Oscillators, step_s: float) -> tuple[Float[Array, "2 2"], Float[Array, "2 2"]]:
    """Matérn-3/2 with λ = √3/ℓ: F = e^(−λΔ)[[1 + λΔ, Δ], [−λ²Δ, 1 − λΔ]], P∞ = σ² diag(1, λ²)."""
    rate = np.sqrt(3) / model.swing_s
    x = rate * step_s
    move = np.exp(-x) * np.array([[1 + x, step_s], [-rate * x, 1 - x]])
    rest = model.swing_mm**2 * np.diag([1.0, rate**2])
    return move, rest - move @ rest @ move.T


def emission(model: Oscillators) -> Float[Array, "d"]:
    """What is measured: level + swing + the cosine part of every harmonic."""
    row = np.zeros(model.states)
    row[:2] = 1.0
    row[3::2] = 1.0
    return row


def at_rest(model: Oscillators, level_mm: float, level_sd_mm: float) -> tuple[Float[Array, "n d"], Float[Array, "n d d"]]:
    """Mean and covariance before the first sample, the same for every period."""
    n, d = len(model.period_s), model.states
    mean = np.zeros((n, d))
    mean[:, 0] = level_mm
    speed = model.swing_mm * np.sqrt(3) / model.swing_s
    parts = np.repeat(model.amplitude_mm, 2)
    variance = np.concatenate([[level_sd_mm, model.swing_mm, speed], parts]) ** 2
    return mean, np.broadcast_to(np.diag(variance), (n, d, d)).copy()


@lru_cache(maxsize=64)
def switching(model: Oscillators, step_s: float) -> Float[Array, "n n"]:
    """Probability of each next period given the one before: steps to neighbours on the ladder, Poisson in time, one at most."""
    n = len(model.period_s)
    if n == 1:
        return np.ones((1, 1))
    out = -np.expm1(-model.switch_1_s * step_s)
    chain = np.diag(np.full(n - 1, out / 2), 1) + np.diag(np.full(n - 1, out / 2), -1)
    return np.asarray(chain + np.diag(1 - chain.sum(axis=1)))
