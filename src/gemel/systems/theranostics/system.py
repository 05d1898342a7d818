"""This system's part of the loop, as the verbs call it."""

from collections.abc import Sequence

import numpy as np

from gemel.core.model import Model
from gemel.core.record import Action
from gemel.core.system import Exam, System
from gemel.core.time import DAY_S
from gemel.systems.theranostics.case import Case, begin, body_for
from gemel.systems.theranostics.course import GIVE, HOUR_S
from gemel.systems.theranostics.judge import goal, judge
from gemel.systems.theranostics.model import KINDS, model_of
from gemel.systems.theranostics.names import canonical
from gemel.systems.theranostics.observe import Day, observations, observe
from gemel.systems.theranostics.regimens import FIXED_WEEKS, ACTIVITIES_MBq, FIXED_MBq, Regimen, actions, named, regimens

TEMPLATE_TUMOUR_g = 50.0
"""The reference adult with one tumour, given the fixed activity at time 0."""
EXAM_s = 7 * DAY_S * FIXED_WEEKS


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
    every = [regimen for given in range(1, 7) for regimen in regimens(given)]
    return Action(GIVE, t_s, named(plan, every).activity_MBq, "MBq", source)


def notes(case: Case) -> Sequence[str]:
    """What was assumed."""
    return case.notes


def starts(case: Case) -> float:
    """The first injection."""
    return case.body.given[0][0]


EXAM = Exam(
    sd={kind: np.full(1, 0.1 if kind.endswith("MBq") else 0.08) for kind in KINDS},
    times_s=(4 * HOUR_S, 24 * HOUR_S, 72 * HOUR_S, 168 * HOUR_S, EXAM_s),
    plans=tuple(actions(Regimen(MBq, 5, FIXED_WEEKS), EXAM_s) for MBq in (*(a for a in ACTIVITIES_MBq if a != FIXED_MBq), FIXED_MBq)),
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
    planning=("spect", "ct", "structures", "labs"),
    scans=("spect", "labs"),
    starts=starts,
    draws=600,
)
