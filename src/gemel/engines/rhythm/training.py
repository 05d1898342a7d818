"""Sizes of the oscillators from the first part of a signal."""

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.engines.rhythm.oscillators import Oscillators
from gemel.engines.rhythm.signal import Signal
from gemel.engines.rhythm.tracking import log_evidence, start

SHORTEST_S, SLOWEST_SAMPLE_S = 12.0, 0.25
"""Three breaths of four seconds; four samples a second."""
PERIODS_S = tuple(float(period) for period in np.geomspace(1.0, 16.0, 27))
"""Steps of 11 %: over 0.5 s the wave of a neighbour differs by 0.3 of its own angle's error at most."""
HARMONICS = (0.6, 0.3, 0.15)
CHOICES = ((4.0, 0.3, 0.1), (16.0, 0.1, 0.1), (16.0, 0.3, 0.1))
"""Memory in cycles; swing, and wander of the baseline in a square root of a second, both in standard deviations of the signal."""
SWING_S, SWITCH_1_S = 1.0, 0.3
SMALLEST_MM = 1e-3


def train(signal: Signal) -> Oscillators:
    """Scale from the spread, sensor noise from third differences, memory, swing and wander by the largest evidence of a few.

    A still signal gives oscillators of the noise's size. Raises RangeError below 12 s, InputError for fewer than four samples a second.
    """
    if signal.duration_s < SHORTEST_S:
        remedy = "let it see three breaths before the first forecast"
        raise RangeError(f"a signal of {signal.duration_s:.1f} s (at least {SHORTEST_S:g} s)", where="train", remedy=remedy)
    step_s = float(np.median(np.diff(signal.t_s)))
    if step_s > SLOWEST_SAMPLE_S:
        found = f"a sample every {step_s:.2f} s (at most {SLOWEST_SAMPLE_S:g} s)"
        raise InputError(found, where="train", remedy="measure at 10 to 30 samples a second")
    noise_mm = _noise_mm(signal.position_mm)
    scale_mm = max(_spread_mm(signal), noise_mm)
    choices = [_sized(scale_mm, noise_mm, *choice) for choice in CHOICES]
    return choices[int(np.argmax([evidence(model, signal) for model in choices]))]


def evidence(model: Oscillators, signal: Signal) -> float:
    """ln p(signal | model) but for its first sample."""
    tracker, total = start(model, float(signal.t_s[0]), float(signal.position_mm[0]), horizon_s=0.0), 0.0
    for t_s, position_mm in zip(signal.t_s[1:], signal.position_mm[1:]):
        tracker, new = log_evidence(tracker, float(t_s), float(position_mm))
        total += new
    return total


def _sized(scale_mm: float, noise_mm: float, memory_cycles: float, swing: float, level: float) -> Oscillators:
    amplitudes = tuple(scale_mm * share for share in HARMONICS)
    return Oscillators(
        PERIODS_S, amplitudes, memory_cycles, level * scale_mm, swing * scale_mm, SWING_S, noise_mm, SWITCH_1_S
    )  # fmt: skip


def _spread_mm(signal: Signal) -> float:
    """Standard deviation about the straight line through the signal."""
    line = np.polynomial.Polynomial.fit(signal.t_s, signal.position_mm, 1)
    return float(np.std(signal.position_mm - line(signal.t_s)))


def _noise_mm(position_mm: Float[Array, "n"]) -> float:
    """White noise under a smooth signal: median |third difference| / (0.6745·√20), at least a micrometre."""
    third = np.diff(position_mm, 3)
    return max(float(np.median(np.abs(third)) / (0.6745 * np.sqrt(20.0))), SMALLEST_MM)
