"""Every regimen forecast to its end on common draws."""

from typing import Any

import numpy as np

from gemel.core import twin as twins
from gemel.core.decision import Goal, Limit
from gemel.core.forecast import Forecast
from gemel.core.system import Judgement, Progress
from gemel.core.time import DAY_S
from gemel.core.twin import Twin
from gemel.systems.theranostics.agent import gives
from gemel.systems.theranostics.case import Case
from gemel.systems.theranostics.observe import Day
from gemel.systems.theranostics.readouts import KIDNEY_BED_Gy
from gemel.systems.theranostics.regimens import Regimen, actions, regimens

MARROW_Gy = 2.0
SURE = 0.95


def goal() -> Goal:
    """Least tumour at the horizon with P(kidney BED ≤ 40 Gy) ≥ 95 % and P(marrow ≤ 2 Gy) ≥ 95 %, alphas counted RBE times.

    Limits: Barone et al. 2005, J Nucl Med 46:99S (kidney); Lassmann et al. 2011, Eur J Nucl Med Mol Imaging 38:192 (marrow).
    """
    limits = (Limit("kidney_BED_Gy", "<=", KIDNEY_BED_Gy, SURE), Limit("marrow_weighted_dose_Gy", "<=", MARROW_Gy, SURE))
    return Goal(lambda values: values["tumour_ln_kill_1"], limits, "ln of tumour killed")


def judge(twin: Twin, case: Case, library: None, day: Day, *, draws: int, rng: np.random.Generator, progress: Progress) -> Judgement:
    """Forecasts of every readout under every regimen that is left, from the twin's belief now."""
    state, params = twin.belief.draw(draws, rng)
    choices = regimens(cycles_given(twin, case), tuple(case.body.labels), case.cold_nmol)
    forecasts = {}
    for n, regimen in enumerate(choices):
        progress("regimens", n, len(choices))
        plan = actions(regimen, next_s(twin, case, regimen))
        course = (*twins.given(twin), *plan)  # also what was given before: later cycles follow another law, and some may be yet to come
        values: dict[str, Any] = {name: readout.compute(state, params, course, rng) for name, readout in twin.model.readouts.items()}
        forecasts[regimen.name] = Forecast(twin.model.name, twin.t_s, twin.t_s, plan, values)
    progress("regimens", len(choices), len(choices))
    return Judgement(forecasts, {}, {})


def cycles_given(twin: Twin, case: Case) -> int:
    """Cycles given so far."""
    return len(case.body.given) + sum(gives(action) for action in twins.given(twin))


def next_s(twin: Twin, case: Case, regimen: Regimen) -> float:
    """When the next cycle of a regimen falls: its interval after the last, but not before now."""
    last_s = max([case.body.given[-1][0], *(a.t_s for a in twins.given(twin) if gives(a))])
    return max(last_s + 7 * DAY_S * regimen.weeks, twin.t_s)
