"""Which plan, and why: forecasts of several plans, a goal, a ranking."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import InputError
from gemel.core.forecast import Forecast
from gemel.core.image import Array


@dataclass(frozen=True)
class Limit:
    """A chance constraint: P(readout ≤ bound) or P(readout ≥ bound) must be at least `probability`."""

    readout: str
    sense: str
    bound: float
    probability: float = 0.5

    def met(self, values: Mapping[str, Float[Array, "draws"]]) -> Bool[Array, "draws"]:
        """Per draw, whether the limit holds."""
        x = values[self.readout]
        return np.asarray((x <= self.bound) if self.sense == "<=" else (x >= self.bound))


@dataclass(frozen=True)
class Goal:
    """What is wanted: the expectation of `utility` (draws of readouts to draws of a number), subject to limits."""

    utility: Callable[[Mapping[str, Array]], Float[Array, "draws"]]
    limits: tuple[Limit, ...] = ()
    unit: str = "points"


@dataclass(frozen=True)
class Option:
    """One plan as judged: utility, its spread, how often it is the best of all (limits aside), and the probability of each limit."""

    name: str
    utility: float
    utility_sd: float
    p_best: float
    p_limits: Mapping[str, float]
    feasible: bool


@dataclass(frozen=True)
class Decision:
    """Options from best to worst; `recommended` is the first. Options that break no chance constraint come first."""

    options: tuple[Option, ...]
    recommended: str
    reason: str


def decide(forecasts: Mapping[str, Forecast], goal: Goal) -> Decision:
    """Rank plans by feasibility, then by expected utility over common draws.

    When no plan is feasible, the one that breaks its limits by the least total probability leads, and the reason says so.
    Raises InputError when there is nothing to choose from or the draws are not common.
    """
    if not forecasts:
        raise InputError("no forecasts to decide on", remedy="prepare the library first")
    utilities = {name: np.asarray(goal.utility(f.values), dtype=np.float64) for name, f in forecasts.items()}
    if len({u.shape for u in utilities.values()}) != 1:
        raise InputError("forecasts with different numbers of draws", remedy="forecast every plan with the same draws")
    best = np.argmax(np.stack(list(utilities.values())), axis=0)
    options = [_judge(name, forecasts[name], utilities[name], float((best == i).mean()), goal) for i, name in enumerate(forecasts)]
    options.sort(key=lambda o: (not o.feasible, 0.0 if o.feasible else _shortfall(o, goal), -o.utility, o.name))
    return Decision(tuple(options), options[0].name, _reason(options, goal))


def _judge(name: str, forecast: Forecast, utility: Array, p_best: float, goal: Goal) -> Option:
    chances = {label(limit): float(limit.met(forecast.values).mean()) for limit in goal.limits}
    feasible = all(chances[label(limit)] >= limit.probability for limit in goal.limits)
    return Option(name, float(utility.mean()), float(utility.std()), p_best, chances, feasible)


def label(limit: Limit) -> str:
    """A limit as people write it: `bladder_V20.8_cc <= 10`."""
    return f"{limit.readout} {limit.sense} {limit.bound:g}"


def _shortfall(option: Option, goal: Goal) -> float:
    return sum(max(0.0, limit.probability - option.p_limits[label(limit)]) for limit in goal.limits)


def _reason(options: list[Option], goal: Goal) -> str:
    first = options[0]
    score = f"{first.utility:.1f} ± {first.utility_sd:.1f} {goal.unit}"
    aside = "" if all(option.feasible for option in options) else ", limits aside,"
    words = [f"{first.name}: {score}, best of {len(options)}{aside} in {first.p_best:.0%} of draws"]
    if len(options) > 1:
        words.append(f"next is {options[1].name} with {options[1].utility:.1f}")
    broken = [f"{label(lim)} (P = {first.p_limits[label(lim)]:.0%})" for lim in goal.limits if first.p_limits[label(lim)] < lim.probability]
    if broken:
        words.append("no plan meets every limit; this one breaks them least: " + ", ".join(broken))
    elif goal.limits:
        words.append("every limit is met")
    return "; ".join(words)
