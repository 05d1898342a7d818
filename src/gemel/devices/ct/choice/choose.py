"""The least exposure that meets the target at every allowed setting, ranked by dose."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.system import Progress, silent
from gemel.devices.ct.anatomy import Anatomy
from gemel.devices.ct.choice.allowed import Allowed, settings
from gemel.devices.ct.exposure import Exposure, expose
from gemel.devices.ct.protocol import Protocol
from gemel.devices.ct.scanner import Scanner
from gemel.devices.ct.slice_model import SliceForecast, slice_model
from gemel.devices.ct.task import Task

SURE = 0.95


@dataclass(frozen=True)
class Judged:
    """One setting at its least mAs: forecast, task, draws of d', P(d' ≥ target), and what stands against it (nothing: it may be chosen)."""

    forecast: SliceForecast
    task: Task
    detectability: Float[Array, "draws"]
    probability: float
    against: tuple[str, ...]

    @property
    def interval(self) -> tuple[float, float]:
        """90 % of the draws."""
        low, high = np.quantile(self.detectability, (0.05, 0.95))
        return float(low), float(high)

    @property
    def dose_mGy(self) -> float:
        """SSDE, or CTDIvol where the patient's size is outside SSDE's data."""
        return self.forecast.ssde_mGy if np.isfinite(self.forecast.ssde_mGy) else self.forecast.ctdivol_mGy


@dataclass(frozen=True)
class Choice:
    """Settings from best to worst: those that may be chosen by dose (of equal ones the least iodine, then the largest d'), then the others
    by how likely they meet the target."""

    judged: tuple[Judged, ...]
    target: float
    sure: float

    @property
    def chosen(self) -> Judged | None:
        """The lowest dose with P(d' ≥ target) as asked; None when no allowed setting meets it."""
        return None if self.judged[0].against else self.judged[0]


def choose(
    anatomy: Anatomy,
    scanner: Scanner,
    *,
    task: Task,
    target: float,
    allowed: Allowed,
    ln_draws: Float[Array, "draws"],
    sure: float = SURE,
    progress: Progress = silent,
) -> Choice:
    """Judge every allowed setting on this slice for this task.

    With d' = |c| d'₁/σ and σ² = A/mAs + B/mAs² (quanta, electronics), two evaluations give A and B and the least mAs follows in closed
    form. `ln_draws`: of ln(d'/predicted), common to all. Raises RangeError for a target or probability that cannot be.
    """
    if not (0 < target < 100 and 0.5 <= sure < 1 and ln_draws.size):
        raise RangeError(
            f"a target of {target:g} with probability {sure:g}", where="choose", remedy="give d' above 0, probability 0.5 to 1"
        )
    asked, shots, found = settings(allowed, scanner, task), _exposures(anatomy, scanner, allowed), []
    needed = target / np.exp(np.quantile(ln_draws, 1 - sure))
    for i, (protocol, one) in enumerate(asked):
        shot = shots[protocol.kVp]
        mAs = least_mAs(anatomy, scanner, protocol=protocol, task=one, exposure=shot, needed=float(needed))
        forecast = slice_model(anatomy, scanner, protocol=replace(protocol, mAs=_in_steps(mAs, allowed)), task=one, exposure=shot)
        found.append(_judged(forecast, one, ln_draws, target=target, sure=sure))
        progress("protocols", i + 1, len(asked))
    return Choice(tuple(sorted(found, key=_rank)), target, sure)


def least_mAs(anatomy: Anatomy, scanner: Scanner, *, protocol: Protocol, task: Task, exposure: Exposure, needed: float) -> float:
    """The mAs at which d' is `needed`: the positive root of σ² mAs² = A mAs + B with σ = |c| d'₁/d'."""
    high = slice_model(anatomy, scanner, protocol=protocol, task=task, exposure=exposure)
    half = slice_model(anatomy, scanner, protocol=replace(protocol, mAs=protocol.mAs / 2), task=task, exposure=exposure)
    m = protocol.mAs
    B = max(m * m * (half.sd_HU**2 / 2 - high.sd_HU**2), 0.0)
    A = m * high.sd_HU**2 - B / m
    wanted = (high.detectability * high.sd_HU / needed) ** 2
    return float((A + np.sqrt(A * A + 4 * B * wanted)) / (2 * wanted))


def _exposures(anatomy: Anatomy, scanner: Scanner, allowed: Allowed) -> Mapping[float, Exposure]:
    return {kVp: expose(anatomy, scanner, kVp) for kVp in allowed.kVp}


def _in_steps(mAs: float, allowed: Allowed) -> float:
    """Up to the next step, within the bounds."""
    steps = np.ceil(mAs / allowed.step_mAs - 1e-9) * allowed.step_mAs
    return float(np.clip(steps, allowed.least_mAs, allowed.most_mAs))


def _rank(one: Judged) -> tuple[float, ...]:
    first = (1.0, 1 - one.probability, one.dose_mGy) if one.against else (0.0, round(one.dose_mGy, 9), one.task.iodine_mg_mL)
    return (*first, -one.forecast.detectability)


def _judged(forecast: SliceForecast, task: Task, ln_draws: Float[Array, "draws"], *, target: float, sure: float) -> Judged:
    draws = forecast.detectability * np.exp(ln_draws)
    probability = float((draws >= target).mean())
    against = [flag.text for flag in forecast.flags if flag.kind == "starvation"]
    if probability < sure:
        against.insert(0, f"P(d' ≥ {target:g}) is {probability:.0%} at {forecast.protocol.mAs:g} mAs, the most that is allowed")
    return Judged(forecast, task, np.asarray(draws), probability, tuple(against))
