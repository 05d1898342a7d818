"""Irregular breathing-like waves with known phase, for trying out what follows them."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.rhythm.signal import Signal


@dataclass(frozen=True)
class Wave:
    """z(t) = drift + b_k cos^2n(π φ) with phase φ that advances by one a cycle: Lujan 1999, Med Phys 26:715, made irregular.

    Period and amplitude of cycle k are lognormal with `period_spread`, `amplitude_spread` and a memory of `kept` from one to the next;
    `skew` slows the half of a cycle after the peak and hastens the other; the baseline is a random walk of `drift_mm_sqrt_s` plus
    `trend_mm_s`; `coughs_1_min` bursts of about half a second and `cough_mm`; `noise_mm` of the sensor; `lag_cycles` between the axis
    and its partner (hysteresis).
    """

    period_s: float = 4.0
    amplitude_mm: float = 10.0
    power: int = 2
    period_spread: float = 0.15
    amplitude_spread: float = 0.2
    kept: float = 0.5
    skew: float = 0.2
    drift_mm_sqrt_s: float = 0.1
    trend_mm_s: float = 0.0
    coughs_1_min: float = 0.0
    cough_mm: float = 8.0
    noise_mm: float = 0.1
    lag_cycles: float = 0.0

    def __post_init__(self) -> None:
        if self.period_s <= 0 or self.power < 1 or not 0 <= self.kept < 1 or not 0 <= self.skew < 1:
            raise RangeError(f"an impossible wave {self!r}", where="Wave", remedy="period > 0, power >= 1, kept and skew in [0, 1)")


@dataclass(frozen=True)
class Drawn:
    """A wave as it was measured, and what is true of it; phase in cycles, 0 at the largest position."""

    signal: Signal
    position_mm: Float[Array, "n"]
    phase: Float[Array, "n"]
    partner_mm: Float[Array, "n"] = field(repr=False)


def draw_wave(wave: Wave, t_s: Float[Array, "n"], rng: np.random.Generator) -> Drawn:
    """One realisation at these times."""
    phase, cycle_amplitude_mm = _cycles(wave, t_s, rng)
    steps_s = np.diff(t_s, prepend=t_s[0])
    drift_mm = wave.trend_mm_s * (t_s - t_s[0]) + wave.drift_mm_sqrt_s * np.cumsum(np.sqrt(steps_s) * rng.standard_normal(len(t_s)))
    bursts_mm = _coughs(wave, t_s, rng)
    position_mm = drift_mm + bursts_mm + cycle_amplitude_mm * _shape(wave, phase)
    partner_mm = drift_mm + cycle_amplitude_mm * _shape(wave, phase - wave.lag_cycles)
    measured_mm = position_mm + wave.noise_mm * rng.standard_normal(len(t_s))
    return Drawn(Signal(t_s, measured_mm), position_mm, np.mod(phase, 1.0), partner_mm)


def _shape(wave: Wave, phase: Float[Array, "n"]) -> Float[Array, "n"]:
    """cos^2n(πφ), largest at whole φ and flat between."""
    return np.asarray(np.cos(np.pi * phase) ** (2 * wave.power))


def _cycles(wave: Wave, t_s: Float[Array, "n"], rng: np.random.Generator) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """Phase in cycles and the amplitude at each time; both continuous."""
    count = int(np.ceil((t_s[-1] - t_s[0]) / wave.period_s * 2.5)) + 8
    period_s = wave.period_s * np.exp(_memory(wave.period_spread, wave.kept, count, rng))
    amplitude_mm = wave.amplitude_mm * np.exp(_memory(wave.amplitude_spread, wave.kept, count, rng))
    ends_s = t_s[0] - rng.uniform() * period_s[0] + np.concatenate([[0.0], np.cumsum(period_s)])
    even = np.interp(t_s, ends_s, np.arange(count + 1.0))
    phase = even + wave.skew / (2 * np.pi) * (np.cos(2 * np.pi * even) - 1.0)
    return phase, np.interp(even, np.arange(count) + 0.5, amplitude_mm)


def _memory(spread: float, kept: float, count: int, rng: np.random.Generator) -> Float[Array, "k"]:
    """A stationary autoregression of order one with this standard deviation."""
    values = np.empty(count)
    values[0] = spread * rng.standard_normal()
    for k in range(1, count):
        values[k] = kept * values[k - 1] + spread * np.sqrt(1 - kept**2) * rng.standard_normal()
    return values


def _coughs(wave: Wave, t_s: Float[Array, "n"], rng: np.random.Generator) -> Float[Array, "n"]:
    """Bursts at moments of a Poisson process: a damped swing each."""
    moments_s = rng.uniform(t_s[0], t_s[-1], rng.poisson(wave.coughs_1_min * (t_s[-1] - t_s[0]) / 60.0))
    since_s = t_s[:, None] - moments_s[None, :]
    swing = np.where(since_s > 0, np.exp(-np.maximum(since_s, 0) / 0.25) * np.sin(2 * np.pi * since_s / 0.6), 0.0)
    return np.asarray(wave.cough_mm * swing.sum(axis=1))
