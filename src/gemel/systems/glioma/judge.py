"""Schedules for the weeks that are left: the front between early progression and dose, on common draws."""

from collections.abc import Mapping

import numpy as np

from gemel.core import twin as twins
from gemel.core.decision import Goal, Limit
from gemel.core.forecast import Forecast
from gemel.core.image import Array
from gemel.core.system import Judgement, Progress
from gemel.core.time import DAY_S
from gemel.core.twin import Twin
from gemel.systems.glioma.case import Case
from gemel.systems.glioma.events import FRACTION, WEEK
from gemel.systems.glioma.field_course import past
from gemel.systems.glioma.field_shown import volumes_mL
from gemel.systems.glioma.ground import Ground
from gemel.systems.glioma.observe import Day
from gemel.systems.glioma.population import population
from gemel.systems.glioma.schedules import WEEK_S, WEEKS, Schedule, actions, every, usual
from gemel.systems.glioma.search import efficient, front, schedule_of, search
from gemel.systems.glioma.superquantile import LEVEL, shortfall_form

TOTAL_Gy, BRAIN_BED_Gy = 60.0, 140.0
"""Dose of the usual course; upper end of where 5 % of brains are harmed, Lawrence et al. 2010, Int J Radiat Oncol Biol Phys 76:S20."""
WITHIN_Gy = 20.0
"""Schedules further than this from the usual total are not shown."""
LEAST_BURDEN_mL = 0.5
OF_FIELDS = 3
"""How many of those, beside the usual one, are judged by fields."""


def goal() -> Goal:
    """Latest progression in the worst fifth of the draws, with no more dose than 60 Gy and a late effect in brain of at most 140 Gy."""
    limits = (Limit("total_dose_Gy", "<=", TOTAL_Gy + 1e-6, 1.0), Limit("brain_BED_Gy", "<=", BRAIN_BED_Gy + 1e-6, 1.0))
    return Goal(utility, limits, f"days to progression in the worst {100 * (1 - LEVEL):.0f} %")


def utility(values: Mapping[str, Array]) -> Array:
    """Numbers whose mean is the superquantile of time to progression."""
    return shortfall_form(values["progression_d"])


def judge(twin: Twin, case: Case, library: None, day: Day, *, draws: int, rng: np.random.Generator, progress: Progress) -> Judgement:
    """Forecasts of every readout under the best schedule of each total dose, and under the usual one, from the belief now."""
    state, params = twin.belief.draw(draws, rng)
    first_s, weeks = next_s(twin, case), weeks_left(twin, case)
    later = twin.model.dynamics(state, params, twins.given(twin), twin.t_s, first_s, rng)
    progress("schedules", 0, 2)
    chosen = _choices(twin, case, later, params, weeks)
    progress("schedules", 1, 2)
    forecasts = {}
    for schedule in chosen:
        plan = actions(schedule, first_s)
        under_way = (*twins.given(twin), *plan)
        values = {name: r.compute(later, params, under_way, rng) for name, r in twin.model.readouts.items() if name != "loss_1"}
        forecasts[schedule.name] = Forecast(twin.model.name, twin.t_s, first_s, plan, values)
    progress("schedules", 2, 2)
    return Judgement(forecasts, {}, {})


def _choices(twin: Twin, case: Case, later: Mapping[str, Array], params: Mapping[str, Array], weeks: int) -> tuple[Schedule, ...]:
    fixed = usual(weeks)
    if not weeks:
        return (fixed,)
    found = search(case.setting, *(_averaged(case.field, later, params) if case.field else (later, params)), every(weeks))
    best = efficient(front(found, most_BED_Gy=BRAIN_BED_Gy))
    whole_Gy = float(later["dose_Gy"][0]) + fixed.total_Gy
    near = [row for row, Gy in zip(best.rows, best.total_Gy) if abs(Gy - whole_Gy) <= WITHIN_Gy]
    near = near[:: -(-len(near) // OF_FIELDS)] if case.field and near else near
    return (*(s for s in (schedule_of(found, row) for row in near) if s != fixed), fixed)


def _averaged(on: Ground, later: Mapping[str, Array], params: Mapping[str, Array]) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """Fields as the averaged member sees them, which proposes schedules that are then judged by fields."""
    now_s, start_s = float(later["age_s"][0]), float(later["start_s"][0])
    times = [start_s, now_s] if 0 <= start_s < now_s else [now_s, now_s]
    mL = np.maximum(volumes_mL(on, params, past(later), times, dead=False)[:, :, 0], LEAST_BURDEN_mL)
    capacity = next(p.centre for p in population() if p.name == "capacity_mL")
    volumes = {"start_mL": mL[:, 0], "burden_mL": mL[:, 1], "drug_1": np.zeros(len(mL)), "dead_mL": np.zeros(len(mL))}
    return {**later, **volumes}, {**params, "capacity_mL": np.full(len(mL), capacity)}


def weeks_left(twin: Twin, case: Case) -> int:
    """Weeks of six that were not begun; a week without dose counts."""
    return max(0, WEEKS - len(_begun_s(twin, case)))


def next_s(twin: Twin, case: Case) -> float:
    """When the next week begins: the first as planned, others a week after the last, the next whole day from now at the earliest."""
    last = _begun_s(twin, case)
    due_s = max(last) + WEEK_S if last else case.first_s
    return due_s if due_s >= twin.t_s else due_s + DAY_S * float(np.ceil((twin.t_s - due_s) / DAY_S))


def _begun_s(twin: Twin, case: Case) -> list[float]:
    """When each week began. Fractions that were recorded one by one begin a week where none of theirs began within seven days before,
    less half a day: a Monday's fraction may be given earlier than that of the Monday before."""
    weeks = [case.start_s + age_s for _, age_s, _ in case.setting.given] + [a.t_s for a in twins.given(twin) if a.kind == WEEK]
    for t_s in sorted(a.t_s for a in twins.given(twin) if a.kind == FRACTION and a.amount > 0):
        if not any(begun_s <= t_s < begun_s + WEEK_S - DAY_S / 2 for begun_s in weeks):
            weeks.append(t_s)
    return weeks
