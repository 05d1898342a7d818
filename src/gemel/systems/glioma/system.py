"""This system's part of the loop, as the verbs call it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gemel.core import twin as twins
from gemel.core.errors import InputError
from gemel.core.model import Model
from gemel.core.record import Action
from gemel.core.system import Exam, System
from gemel.core.time import DAY_S
from gemel.core.twin import Twin
from gemel.core.visit import Segmented
from gemel.systems.glioma import field_template as slow
from gemel.systems.glioma import template as fast
from gemel.systems.glioma.case import Case, begin, require_order
from gemel.systems.glioma.events import FRACTIONS, UNITS, WEEK, unfolded
from gemel.systems.glioma.ground import laid
from gemel.systems.glioma.judge import goal, judge, next_s
from gemel.systems.glioma.names import canonical
from gemel.systems.glioma.observe import Day, observations, observe
from gemel.systems.glioma.report import legible, pages
from gemel.systems.glioma.schedules import WEEKS, Schedule, actions, read, usual

EXAM_d = (0.0, 14.0, 29.0, 36.0, 85.0)
EXAM_Gy = (0.0, 1.0, 3.0, 4.0, 2.0)


def model(case: Case, library: None) -> Model:
    """The model of this patient; nothing is made ahead."""
    return slow.model_of(case.field, case.setting) if case.field else fast.model_of(case.setting)


def plans(library: None) -> Sequence[str]:
    """The usual course; others are made when a decision is asked for."""
    return (usual(WEEKS).name,)


def treat(plan: str, library: None, t_s: float, source: str) -> Action:
    """The first week of a schedule, given at `t_s`; a week without dose is one too."""
    doses = read(plan).fraction_Gy
    return Action(WEEK, t_s, FRACTIONS * doses[0] if doses else 0.0, UNITS[WEEK], source)


def follow(twin: Twin, case: Case, plan: str, first: Action, n: int) -> Action:
    """Week n (from 0) of the schedule that was decided on. Raises InputError beyond its last."""
    doses = read(plan).fraction_Gy
    if doses and n >= len(doses):
        found = f"week {n + 1} of a schedule of {len(doses)}"
        raise InputError(found, where="glioma", remedy="decide again first: gemel twin decide")
    return replace(first, amount=FRACTIONS * doses[n]) if doses else first


def due(twin: Twin, case: Case, plan: str) -> float:
    """When the next week begins."""
    return next_s(twin, case)


def fits(twin: Twin, case: Case, scan: Segmented) -> None:
    """Raises InputError for a second visit on one day, GeometryError for one that lies elsewhere than the field."""
    if case.field:
        laid(case.field, scan.structures)
    for t_s in {o.t_s for o in twins.observations(twin)}:
        require_order(sorted((t_s, scan.acquired_s)))


def given(case: Case, actions: Sequence[Action]) -> Sequence[Action]:
    """Fractions, doses of the drug and resections, one by one."""
    events = unfolded(case.setting, actions, case.start_s)
    return tuple(Action(e.kind, case.start_s + e.age_s, e.amount, UNITS[e.kind]) for e in events)


def notes(case: Case) -> Sequence[str]:
    """What was assumed."""
    return case.notes


def starts(case: Case) -> float:
    """A day before the first visit."""
    return case.start_s


EXAM = Exam(
    sd={"ln_enhancing_mL": np.full(1, 0.1), "ln_flair_mL": np.full(1, 0.15)},
    times_s=tuple(d * DAY_S for d in EXAM_d),
    plans=tuple(actions(Schedule((Gy,) * 3), EXAM_d[-2] * DAY_S) for Gy in EXAM_Gy),
    loss="loss_1",
)

SYSTEM = System(
    name="glioma",
    canonical=canonical,
    interval_s=7 * DAY_S,
    begin=begin,
    model=model,
    prepare=None,
    observe=observe,
    observations=observations,
    judge=judge,
    treat=treat,
    plans=plans,
    notes=notes,
    goal=goal,
    template=fast.model,
    exam=EXAM,
    case=Case,
    library=None,
    day=Day,
    planning=("mri", "dose", "white", "grey", "dti"),
    scans=("mri",),
    starts=starts,
    due=due,
    follow=follow,
    fits=fits,
    given=given,
    draws=400,
    legible=legible,
    pages=pages,
)
