"""Arms of an in-silico trial: how the activity of further cycles is chosen for a patient. Named as "module:function" in `gemel trial`."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gemel.core import twin as twins
from gemel.core.decision import Limit, decide
from gemel.core.forecast import Forecast
from gemel.core.image import Array
from gemel.core.record import Plan
from gemel.core.system import Exam
from gemel.core.twin import Twin
from gemel.systems.theranostics.judge import MARROW_Gy, goal
from gemel.systems.theranostics.readouts import KIDNEY_BED_Gy

DRAWS = 400
FINE_MBq = (3700.0, 5550.0, 7400.0, 9250.0, 11100.0, 13000.0, 14800.0, 18500.0, 22200.0)
FIXED_RISK = 0.09
"""Chance of more than 40 Gy kidney BED that the fixed regimen, six cycles of 7.4 GBq, has in the population (3,000 draws of the prior)."""
FIXED_MARROW_RISK = 0.105
"""Chance of more than 2 Gy to the marrow, likewise."""


def personal(twin: Twin, exam: Exam, rng: np.random.Generator) -> Plan:
    """The activity of most tumour killed of those that keep kidneys and marrow with 95 % each (`judge.goal`), by the patient's twin."""
    return _best(twin, exam, rng, goal().limits)


def kidneys_alone(twin: Twin, exam: Exam, rng: np.random.Generator) -> Plan:
    """Most tumour killed at no more risk to the patient's kidneys than the fixed regimen's to the population's, marrow aside."""
    return _best(twin, exam, rng, (Limit("kidney_BED_Gy", "<=", KIDNEY_BED_Gy, 1 - FIXED_RISK),))


def equal_risk(twin: Twin, exam: Exam, rng: np.random.Generator) -> Plan:
    """Most tumour killed at no more risk to the patient's kidneys and marrow than the fixed regimen's to the population's."""
    limits = (
        Limit("kidney_BED_Gy", "<=", KIDNEY_BED_Gy, 1 - FIXED_RISK),
        Limit("marrow_weighted_dose_Gy", "<=", MARROW_Gy, 1 - FIXED_MARROW_RISK),
    )
    return _best(twin, exam, rng, limits)


def _best(twin: Twin, exam: Exam, rng: np.random.Generator, limits: tuple[Limit, ...]) -> Plan:
    """The exam's fixed plan with other activities, ranked; the least activity when none meets the limits."""
    state, params = twin.belief.draw(DRAWS, rng)
    then = twin.model.dynamics(state, params, twins.given(twin), twin.t_s, exam.times_s[-1], rng)
    plans = {f"{MBq:g} MBq": tuple(replace(action, amount=MBq) for action in exam.plans[-1]) for MBq in FINE_MBq}
    names = {limit.readout for limit in limits} | {"tumour_ln_kill_1"}

    def values(plan: Plan) -> Mapping[str, Array]:
        return {name: twin.model.readouts[name].compute(then, params, plan, rng) for name in sorted(names)}

    forecasts = {name: Forecast(twin.model.name, twin.t_s, exam.times_s[-1], plan, values(plan)) for name, plan in plans.items()}
    return plans[decide(forecasts, replace(goal(), limits=limits)).recommended]
