"""Following a wave online: each sample updates the belief; forecasts of phase and position carry intervals that stay honest."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.engines.inference import gaussian, switching
from gemel.engines.rhythm import oscillators
from gemel.engines.rhythm.oscillators import Oscillators
from gemel.engines.rhythm.signal import LONGEST_GAP_S

LEARNING, WIDEST = 0.05, 8.0
"""Step of the interval's factor (in its logarithm), and its largest value, the inverse of the smallest."""
UNIFORM_SD = float(np.sqrt(1 / 12))
LONGEST_HORIZON_S = 2.0


@dataclass(frozen=True)
class Forecast:
    """Position and phase at `t_s`: standard deviations, and the interval [low, high] at the tracker's level.

    Phase in cycles [0, 1), 0 where the fundamental wave peaks; a phase sd of 0.29 (uniform) says that nothing is known. It is the angle of
    the fundamental: in skewed waves it differs from the share of the cycle between peaks by up to a tenth, which the sd does not hold.
    """

    t_s: float
    position_mm: float
    sd_mm: float
    low_mm: float
    high_mm: float
    phase: float
    phase_sd: float


@dataclass(frozen=True)
class Tracker:
    """Belief after the sample at `t_s`; `factor` widens intervals so that `level` of them hold what is measured `horizon_s` later."""

    model: Oscillators
    horizon_s: float
    level: float
    t_s: float
    position_mm: float
    mean: Float[Array, "n d"]
    covariance: Float[Array, "n d d"]
    weight: Float[Array, "n"]
    factor: float = 1.0
    pending: tuple[Forecast, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.horizon_s <= LONGEST_HORIZON_S or not 0.5 <= self.level < 1:
            found = f"a horizon of {self.horizon_s:g} s at level {self.level:g}"
            raise RangeError(found, where="Tracker", remedy=f"a horizon of 0 to {LONGEST_HORIZON_S:g} s, a level of 0.5 to 1")


def start(model: Oscillators, t_s: float, position_mm: float, *, horizon_s: float, level: float = 0.9) -> Tracker:
    """A tracker that has seen one sample and knows no period."""
    mean, covariance = oscillators.at_rest(model, position_mm, 2 * sum(model.amplitude_mm))
    weight = np.full(len(mean), 1 / len(mean))
    return Tracker(model, horizon_s, level, t_s, position_mm, mean, covariance, weight)


def update(tracker: Tracker, t_s: float, position_mm: float) -> Tracker:
    """Belief after one more sample; its forecast is `latest`. Cost independent of the length of the signal.

    Raises InputError for a sample that is not finite, a clock that does not advance, or a gap that hides a turn.
    """
    return _foreseeing(_learned(_judged(_admitted(tracker, t_s, position_mm), t_s, position_mm), t_s, position_mm)[0])


def latest(tracker: Tracker) -> Forecast:
    """What the newest sample says about `horizon_s` later. Raises InputError before the first update."""
    if not tracker.pending:
        raise InputError("no sample but the first", where="latest", remedy="update the tracker with a sample")
    return tracker.pending[-1]


def forecast(tracker: Tracker, ahead_s: float) -> Forecast:
    """Mixture over periods of z(t + ahead), held as a normal; the interval is m ± factor·z_level·sd, sensor noise included.

    The factor was learnt for the tracker's own horizon, on positions; it scales the phase's spread too.
    """
    moves, added = oscillators.transition(tracker.model, ahead_s)
    mean, covariance = switching.transported(tracker.mean, tracker.covariance, moves, added)
    row = oscillators.emission(tracker.model)
    position_mm, variance = switching.moments(mean @ row, (covariance @ row) @ row, tracker.weight)
    sd_mm = float(np.sqrt(variance + tracker.model.noise_mm**2))
    half_mm = tracker.factor * float(ndtri(0.5 + tracker.level / 2)) * sd_mm
    phase, phase_sd = _phase(mean[:, 3:5], covariance[:, 3:5, 3:5], tracker.weight)
    spread = min(tracker.factor * phase_sd, UNIFORM_SD)
    return Forecast(tracker.t_s + ahead_s, position_mm, sd_mm, position_mm - half_mm, position_mm + half_mm, phase, spread)


def log_evidence(tracker: Tracker, t_s: float, position_mm: float) -> tuple[Tracker, float]:
    """Belief after one more sample and ln p(sample | those before); no forecast is made."""
    return _learned(_admitted(tracker, t_s, position_mm), t_s, position_mm)


def _admitted(tracker: Tracker, t_s: float, position_mm: float) -> Tracker:
    step_s = t_s - tracker.t_s
    if not np.isfinite([t_s, position_mm]).all():
        raise InputError(
            f"a sample of {position_mm:g} mm at {t_s:g} s", where="update", remedy="leave it out: the next one bridges the gap"
        )
    if step_s <= 0:
        raise InputError(f"a clock that went from {tracker.t_s:g} to {t_s:g} s", where="update", remedy="pass samples in order, each once")
    if step_s > LONGEST_GAP_S:
        remedy = "start a new tracker with the same model and let it see a few cycles"
        raise InputError(f"a gap of {step_s:.2f} s (at most {LONGEST_GAP_S:g} s)", where="update", remedy=remedy)
    return tracker


def _judged(tracker: Tracker, t_s: float, position_mm: float) -> Tracker:
    """The factor after the forecasts whose time has come: ln factor += LEARNING·(missed − (1 − level)).

    Online quantile tracking: whatever the signal, the share missed tends to 1 − level. Gibbs & Candès 2021, NeurIPS 34:1660.
    """
    due = [f for f in tracker.pending if f.t_s <= t_s]
    if not due:
        return tracker
    moments_s, seen_mm = [tracker.t_s, t_s], [tracker.position_mm, position_mm]
    truth_mm = np.interp([f.t_s for f in due], moments_s, seen_mm)
    missed = [not f.low_mm <= z <= f.high_mm for f, z in zip(due, truth_mm)]
    moved = np.log(tracker.factor) + LEARNING * sum(m - (1 - tracker.level) for m in missed)
    factor = float(np.exp(np.clip(moved, -np.log(WIDEST), np.log(WIDEST))))
    return replace(tracker, factor=factor, pending=tracker.pending[len(due) :])


def _learned(tracker: Tracker, t_s: float, position_mm: float) -> tuple[Tracker, float]:
    """One step of the interacting models: mix, move, condition, weigh."""
    step_s, model = t_s - tracker.t_s, tracker.model
    switch = oscillators.switching(model, step_s)
    mean, covariance, weight = switching.mixed(tracker.mean, tracker.covariance, tracker.weight, switch)
    mean, covariance = switching.transported(mean, covariance, *oscillators.transition(model, step_s))
    rows = np.broadcast_to(oscillators.emission(model), (len(mean), 1, model.states))
    mean, covariance, evidence = gaussian.condition(mean, covariance, rows, np.array([position_mm]), np.array([model.noise_mm]))
    total = float(evidence.max() + np.log(weight @ np.exp(evidence - evidence.max())))
    weight = switching.reweighted(weight, evidence)
    return replace(tracker, t_s=t_s, position_mm=position_mm, mean=mean, covariance=covariance, weight=weight), total


def _foreseeing(tracker: Tracker) -> Tracker:
    return replace(tracker, pending=(*tracker.pending, forecast(tracker, tracker.horizon_s)))


def _phase(parts: Float[Array, "n 2"], covariance: Float[Array, "n 2 2"], weight: Float[Array, "n"]) -> tuple[float, float]:
    """Circular mean and standard deviation of the fundamental's angle, in cycles: R = Σ w e^(iθ − var θ/2), sd² = −2 ln|R|.

    Mardia & Jupp 2000, Directional Statistics, sec. 2.3; var θ = gᵀPg/r² to first order.
    """
    radius2 = np.maximum(np.square(parts).sum(axis=1), 1e-12)
    across = np.stack([-parts[:, 1], parts[:, 0]], axis=1)
    variance = np.einsum("ni,nij,nj->n", across, covariance, across) / radius2**2
    resultant = complex(weight @ ((parts[:, 0] + 1j * parts[:, 1]) / np.sqrt(radius2) * np.exp(-variance / 2)))
    sd = float(np.sqrt(max(-2 * np.log(max(abs(resultant), 1e-12)), 0.0))) / (2 * np.pi)
    return float(np.angle(resultant) / (2 * np.pi) % 1.0), min(sd, UNIFORM_SD)
