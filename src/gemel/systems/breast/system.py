"""This system's part of the loop, as the verbs call it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gemel.core.diffusion import DiffusionVisit
from gemel.core.errors import InputError
from gemel.core.model import Model
from gemel.core.record import Action, Plan
from gemel.core.system import Exam, System
from gemel.core.time import DAY_S, iso
from gemel.core.twin import Twin
from gemel.core.twin import observations as observed
from gemel.systems.breast.averaging import averaged_model
from gemel.systems.breast.case import Case, begin
from gemel.systems.breast.drugs import UNIT
from gemel.systems.breast.growth import doses_of
from gemel.systems.breast.growth_model import model_of
from gemel.systems.breast.judge import given_so_far, goal, judge, next_s
from gemel.systems.breast.legible import legible
from gemel.systems.breast.names import canonical
from gemel.systems.breast.observe import Day, observations, observe
from gemel.systems.breast.regimens import STOP, Regimen, actions, read, regimens
from gemel.systems.breast.report import pages
from gemel.systems.breast.template import PARTS, body
from gemel.systems.breast.template import model as template

EXAM_d = (10.0, 20.0, 31.0, 42.0, 112.0)


def model(case: Case, library: None) -> Model:
    """The model of this patient, with and without mechanics where stress is known; nothing is made ahead."""
    return averaged_model(case.body) if case.body.coupled else model_of(case.body)


def plans(library: None) -> Sequence[str]:
    """Names of the regimens at the beginning, the fixed one last; later ones are among them."""
    return tuple(regimen.name for regimen in regimens())


def treat(plan: str, library: None, t_s: float, source: str) -> Action:
    """The next dose of a regimen, given at `t_s`; nothing of paclitaxel for stopping."""
    regimen = read(plan)
    first = actions(regimen, t_s)[:1]
    return replace(first[0], source=source) if first else Action("T", t_s, 0.0, UNIT, source)


def follow(twin: Twin, case: Case, plan: str, first: Action, n: int) -> Action:
    """The dose that comes after those given: A/C to its total, then paclitaxel. Raises InputError where the course is complete."""
    regimen = read(plan)
    if regimen.name == STOP.name:
        return first
    left = actions(regimen, first.t_s, given_so_far(twin, case))[:1]
    if not left:
        raise InputError(f"a dose beyond the course of {plan}", where="breast", remedy="decide again first: gemel twin decide")
    return replace(left[0], source=first.source)


def due(twin: Twin, case: Case, plan: str) -> float:
    """When the next dose of a regimen falls."""
    return next_s(twin, case, read(plan))


def fits(twin: Twin, case: Case, scan: DiffusionVisit) -> None:
    """Raises InputError for a visit before one that was observed, or on the same day."""
    last_s = max((seen.t_s for seen in observed(twin)), default=case.body.start_s)
    if scan.acquired_s < last_s + DAY_S / 2:
        found = f"a visit of {iso(scan.acquired_s)} after one of {iso(last_s)}"
        raise InputError(found, where=scan.source, remedy="give visits in order, each on a day of its own; correct its time in visit.json")


def given(case: Case, actions: Sequence[Action]) -> Sequence[Action]:
    """Every dose."""
    return tuple(Action(dose.drug, dose.t_s, dose.amount, UNIT) for dose in doses_of(case.body, actions))


def notes(case: Case) -> Sequence[str]:
    """What was assumed."""
    return case.notes


def starts(case: Case) -> float:
    """The first visit."""
    return case.body.start_s


def _exam_plans() -> tuple[Plan, ...]:
    """Half the paclitaxel, once a week; nothing more; the rest of A/C every three weeks: is a dose more worth its price to this patient?"""
    first_s, given = (EXAM_d[-2] + 1) * DAY_S, body().given
    nothing = (Action("T", first_s, 0.0, UNIT),)
    return actions(Regimen(0, 1), first_s, given)[:6], nothing, actions(Regimen(3, 0), first_s, given)


EXAM = Exam(
    sd={"ln_cells_1": np.full(1, 0.08), "ln_volume_1": np.full(1, 0.12), "shares_1": np.full(PARTS, 0.02)},
    times_s=tuple(day * DAY_S for day in EXAM_d),
    plans=_exam_plans(),
    loss="loss_1",
)

SYSTEM = System(
    name="breast",
    canonical=canonical,
    interval_s=21 * DAY_S,
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
    template=template,
    exam=EXAM,
    case=Case,
    library=None,
    day=Day,
    planning=("baseline",),
    scans=("visit",),
    starts=starts,
    due=due,
    follow=follow,
    fits=fits,
    given=given,
    draws=200,
    legible=legible,
    pages=pages,
)
