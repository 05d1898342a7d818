"""Every regimen forecast to surgery on common draws, ranked by the tail of what is left and by what the marrow bears."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel.core import twin as twins
from gemel.core.decision import Goal, Limit
from gemel.core.forecast import Forecast
from gemel.core.image import Array
from gemel.core.system import Judgement, Progress
from gemel.core.twin import Twin
from gemel.systems.breast.case import Case
from gemel.systems.breast.drugs import Dose
from gemel.systems.breast.growth import doses_of
from gemel.systems.breast.observe import Day
from gemel.systems.breast.regimens import A_CYCLE, WEEK_S, Regimen, actions, regimens, remaining

TAIL = 0.8
"""Level of the superquantile: the mean of the worst fifth counts."""
TOXICITY_1 = 1.4
"""Highest level of doses that may stand together: A/C every two weeks with growth factor (1.33) is below it."""
PRICE = 0.3
"""ln of residual cells that one unit of toxicity is worth. Assumed; a person who chooses may think otherwise."""


def goal() -> Goal:
    """Least CVaR of ln residual cells plus PRICE times toxicity, toxicity at most TOXICITY_1; said in halvings, of which one is ln 2.

    CVaR_a(x) = min_c c + E[(x − c)₊]/(1 − a), reached at the a-quantile: Rockafellar & Uryasev 2000, J Risk 2:21, thm 1; the mean of the
    utility's draws is minus that.
    """
    return Goal(_utility, (Limit("toxicity_1", "<=", TOXICITY_1, 0.5),), "halvings of its cells in the worst fifth, toxicity priced")


def _utility(values: Mapping[str, Array]) -> Float[Array, "draws"]:
    x = values["ln_residual_1"] + PRICE * values["toxicity_1"]
    return np.asarray(-superquantile_parts(x, TAIL) / np.log(2.0))


def superquantile_parts(x: Float[Array, "draws"], level: float) -> Float[Array, "draws"]:
    """c + (x − c)₊/(1 − level), c the quantile: their mean is the superquantile."""
    c = float(np.quantile(x, level))
    return np.asarray(c + np.maximum(x - c, 0.0) / (1.0 - level))


def judge(twin: Twin, case: Case, library: None, day: Day, *, draws: int, rng: np.random.Generator, progress: Progress) -> Judgement:
    """Forecasts of every readout under every regimen that is left, from the twin's belief now."""
    state, params = twin.belief.draw(draws, rng)
    given = given_so_far(twin, case)
    choices, forecasts = regimens(given), {}
    for n, regimen in enumerate(choices):
        progress("regimens", n, len(choices))
        plan = actions(regimen, next_s(twin, case, regimen), given)
        course = (*twins.given(twin), *plan)
        values: dict[str, Any] = {name: readout.compute(state, params, course, rng) for name, readout in twin.model.readouts.items()}
        forecasts[regimen.name] = Forecast(twin.model.name, twin.t_s, twin.t_s, plan, values)
    progress("regimens", len(choices), len(choices))
    return Judgement(forecasts, {}, {})


def given_so_far(twin: Twin, case: Case) -> tuple[Dose, ...]:
    """All doses of the record."""
    return doses_of(case.body, twins.given(twin))


def next_s(twin: Twin, case: Case, regimen: Regimen) -> float:
    """When the next dose of a regimen falls: its cycle after the last dose of that drug (three weeks after another), but not before now."""
    given = given_so_far(twin, case)
    last = max(given, key=lambda dose: dose.t_s, default=None)
    if last is None:
        return twin.t_s
    drug, weeks = ("AC", regimen.ac_weeks) if regimen.ac_weeks and remaining(given)["AC"] else ("T", regimen.t_weeks)
    wait = weeks if last.drug == drug and (drug, weeks) in A_CYCLE else 3
    return max(last.t_s + wait * WEEK_S, twin.t_s)
