"""This system's part of the loop, as the verbs call it."""

from collections.abc import Sequence

import numpy as np

from gemel.core.errors import InputError
from gemel.core.model import Model
from gemel.core.record import Action
from gemel.core.system import Exam, System
from gemel.core.time import DAY_S
from gemel.core.twin import Twin, given
from gemel.core.visit import Measured, Segmented, observations
from gemel.systems.infusion import template
from gemel.systems.infusion.case import Case, begin
from gemel.systems.infusion.judge import STOP, USUAL, actions, goal, judge
from gemel.systems.infusion.names import INFUSED, canonical
from gemel.systems.infusion.observe import observe
from gemel.systems.infusion.report import pages

EXAM_d = (0.0, 1.0, 3.0, 6.0, 9.0)
EXAM_PLANS = ("3 uL/min 1 h at A", "3 uL/min 2 h at A", "8 uL/min 2 h at A", "5 uL/min 2 h at A")


def model(case: Case, library: None) -> Model:
    """The model of this patient; nothing is made ahead."""
    return template.model_of(case.body)


def plans(library: None) -> Sequence[str]:
    """What can be given without a decision; others are made when one is asked for."""
    return (STOP, USUAL)


def treat(plan: str, library: None, t_s: float, source: str) -> Action:
    """One infusion, begun at `t_s`."""
    return actions(plan, t_s, source)[0]


def notes(case: Case) -> Sequence[str]:
    """What was assumed."""
    return case.notes


def starts(case: Case) -> float:
    """A day before the planning images."""
    return case.start_s


def due(twin: Twin, case: Case, plan: str) -> float:
    """An hour after what is known, or after the last infusion."""
    ends = [action.t_s + 3600.0 * action.amount for action in given(twin)]
    return max([twin.t_s, case.start_s + DAY_S, *ends]) + 3600.0


def fits(twin: Twin, case: Case, scan: Segmented) -> None:
    """Raises InputError for an infused region before an infusion had ended: the model tells what there is at its end."""
    if INFUSED not in scan.structures.masks:
        return
    begun = [action for action in given(twin) if action.amount > 0 and action.t_s < scan.acquired_s]
    if not begun or max(action.t_s + 3600.0 * action.amount for action in begun) > scan.acquired_s:
        found = "an infused region before an infusion had ended"
        raise InputError(found, where=scan.source[:64], remedy="record the infusion first (gemel twin act), and scan at its end")


EXAM = Exam(
    sd={"ln_infused_1": np.full(1, 0.1), "ln_extents_1": np.full(3, 0.05)},
    times_s=tuple(d * DAY_S for d in EXAM_d),
    plans=tuple(actions(name, EXAM_d[-2] * DAY_S + 3600.0) for name in EXAM_PLANS),
    loss="loss_1",
)

SYSTEM = System(
    name="infusion",
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
    template=template.model,
    exam=EXAM,
    case=Case,
    library=None,
    day=Measured,
    planning=("mri", "dti"),
    scans=("mri",),
    starts=starts,
    due=due,
    fits=fits,
    draws=24,
    pages=pages,
)
