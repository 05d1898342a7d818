"""This system's part of the loop, as the verbs call it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gemel.core import twin as twins
from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError
from gemel.core.model import Model
from gemel.core.record import Action
from gemel.core.system import Exam, System
from gemel.core.time import DAY_S, iso
from gemel.core.twin import Twin
from gemel.systems.theranostics.agent import GIVE, Agent, agent_of, gives
from gemel.systems.theranostics.case import Case, begin, body_for
from gemel.systems.theranostics.course import HOUR_S
from gemel.systems.theranostics.judge import goal, judge, next_s
from gemel.systems.theranostics.model import KINDS, model_of
from gemel.systems.theranostics.names import canonical
from gemel.systems.theranostics.observe import Day, beside, observations, observe
from gemel.systems.theranostics.observe_pet import is_pet
from gemel.systems.theranostics.regimens import FIXED_WEEKS, FIXED_MBq, Regimen, actions, read, regimens
from gemel.systems.theranostics.report import pages

TEMPLATE_TUMOUR_g = 50.0
"""The reference adult with one tumour, given the fixed activity at time 0."""
EXAM_s = 7 * DAY_S * FIXED_WEEKS
EXAM_MBq = (3700.0, 11100.0, 14800.0)
SAME_s = 12 * HOUR_S
"""Injections in header and record this close are one: records are kept by the day, infusions take time."""


def template() -> Model:
    """The model without a patient: Lu-177, the reference adult's organs, a tumour of 50 g, the fixed activity at time 0."""
    body, _ = body_for("Lu-177", {"tumour": [TEMPLATE_TUMOUR_g]}, ((0.0, FIXED_MBq),))
    return model_of(body)


def model(case: Case, library: None) -> Model:
    """The model of this patient; nothing is made ahead."""
    return model_of(case.body)


def plans(library: None) -> Sequence[str]:
    """Names of the regimens after one cycle, the fixed one last."""
    return tuple(regimen.name for regimen in regimens(1))


def treat(plan: str, library: None, t_s: float, source: str) -> Action:
    """The next cycle of a regimen, given at `t_s`."""
    regimen = read(plan)
    return Action(regimen.agent.kind, t_s, regimen.activity_MBq, "MBq", source)


def due(twin: Twin, case: Case, plan: str) -> float:
    """When the next cycle of a regimen falls."""
    return next_s(twin, case, read(plan))


def fits(twin: Twin, case: Case, scan: ActivityImage | Mapping[str, float]) -> None:
    """Raises InputError for a scan after an injection that the twin was not told of, or before one that it was."""
    if not isinstance(scan, ActivityImage) or is_pet(scan.nuclide):
        return
    known = [*(t_s for t_s, _ in case.body.given), *(a.t_s for a in twins.given(twin) if gives(a))]
    last_s = max((t_s for t_s in known if t_s <= scan.acquired_s), default=-np.inf)
    if abs(scan.injected_s - last_s) > SAME_s:
        told = iso(last_s) if np.isfinite(last_s) else "nothing"
        remedy = "record what was given first: gemel twin act ID --plan NAME --time TIME --amount MBQ; or correct the header"
        raise InputError(
            f"a scan of what was injected at {iso(scan.injected_s)}; the twin knows of {told}", where=scan.source[:64], remedy=remedy
        )


def given(case: Case, actions: Sequence[Action]) -> Sequence[Action]:
    """Every injection."""
    own = (Action(GIVE, t_s, MBq, "MBq") for t_s, MBq in case.body.given)
    return (*own, *(receive(case, action) for action in actions if gives(action)))


def receive(case: Case, action: Action) -> Action:
    """An injection by its nuclide alone, whatever ligand came with it; the twin's own nuclide bears no name here."""
    named = agent_of(action.kind).nuclide
    return replace(action, kind=Agent("" if named == case.nuclide else named).kind)


def notes(case: Case) -> Sequence[str]:
    """What was assumed."""
    return case.notes


def starts(case: Case) -> float:
    """The first injection, of the PET where there is one before therapy."""
    return case.body.begins_s


EXAM = Exam(
    sd={kind: np.full(1, 0.5 if "_pet_" in kind else 0.1 if kind.endswith("MBq") else 0.08) for kind in KINDS},
    times_s=(4 * HOUR_S, 24 * HOUR_S, 72 * HOUR_S, 168 * HOUR_S, EXAM_s),
    plans=tuple(actions(Regimen(MBq, 5, FIXED_WEEKS), EXAM_s) for MBq in (*EXAM_MBq, FIXED_MBq)),
    loss="loss_1",
)

SYSTEM = System(
    name="theranostics",
    canonical=canonical,
    interval_s=DAY_S,
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
    planning=("spect", "ct", "structures", "labs", "pet"),
    scans=("spect", "labs", "pet"),
    first=("spect", "pet"),
    starts=starts,
    due=due,
    fits=fits,
    given=given,
    receive=receive,
    beside=beside,
    draws=600,
    pages=pages,
)
