"""Many options screened at the middle of a belief, and the best of them judged on draws, where each calculation is slow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gemel.core import twin as twins
from gemel.core.belief import Params
from gemel.core.forecast import Forecast
from gemel.core.image import Array
from gemel.core.record import Plan
from gemel.core.system import Judgement, Progress
from gemel.core.twin import Twin
from gemel.engines.inference.slow import Done


@dataclass(frozen=True)
class Options:
    """Plans by name: all that are screened, those that are judged in any case, and how many of the best beside them.

    `found`: readouts of a twin under what was given and a plan; `penalty`: of readouts at the middle of the belief, the less the better;
    `plan`: what a name gives from a second on; `seen_s`: how long after the twin's time its effect is told.
    """

    screened: Sequence[str]
    always: Sequence[str]
    kept: int
    found: Callable[[Params, Done], Mapping[str, Array]]
    penalty: Callable[[Mapping[str, Array]], float]
    plan: Callable[[str, float], Plan]
    seen_s: Callable[[Plan], float]


def judged(twin: Twin, of: Options, *, draws: int, rng: np.random.Generator, progress: Progress, called: str) -> Judgement:
    """Forecasts of the options that are best at the medians and of those that are always judged, on the same draws, each by the whole
    calculation: what was given is added to."""
    _, params = twin.belief.draw(draws, rng)
    middle = {name: np.array([np.median(column)]) for name, column in params.items()}

    def under(name: str, of_params: Params) -> Mapping[str, Array]:
        everything = (*twins.given(twin), *of.plan(name, twin.t_s))
        done: Done = tuple((a.kind, a.t_s - twin.start_s, a.amount) for a in everything if a.amount > 0)
        return {readout: value for readout, value in of.found(of_params, done).items() if readout != "loss_1"}

    ranked = sorted(of.screened, key=lambda name: of.penalty(under(name, middle)))
    chosen = tuple(dict.fromkeys((*ranked[: of.kept], *of.always)))
    forecasts = {}
    for n, name in enumerate(chosen):
        progress(called, n, len(chosen))
        plan = of.plan(name, twin.t_s)
        forecasts[name] = Forecast(twin.model.name, twin.t_s, twin.t_s + of.seen_s(plan), plan, under(name, params))
    progress(called, len(chosen), len(chosen))
    return Judgement(forecasts, {}, {})
