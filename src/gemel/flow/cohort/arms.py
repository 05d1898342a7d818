"""The arms of a trial: named policies that choose a plan for each patient at the moment of decision."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from gemel.core.errors import InputError
from gemel.core.record import Action, Plan
from gemel.core.system import Exam, common_draws
from gemel.core.time import DAY_S
from gemel.core.twin import Twin
from gemel.flow.choice import Stream, losses
from gemel.flow.cohort.functions import function_of

TWIN, PRIOR, FIXED, HINDSIGHT = "twin", "prior", "fixed", "hindsight"
WORDS = {
    TWIN: "the plan of least expected loss under the belief after the patient's scans",
    PRIOR: "the plan of least expected loss before any scan, the same for every patient",
    FIXED: "the exam's last plan, the naive one, for every patient",
    HINDSIGHT: "the plan that turned out best for the patient: a bound, not a choice that anyone has",
}


@dataclass(frozen=True)
class Arm:
    """One way to choose for every patient. `policy`: "twin", "prior", "fixed" (the exam's last plan), a plan of the exam by its label
    or as "plan-3", or "module:function" of one's own, (twin, exam, rng) -> Plan.
    """

    name: str
    policy: str


@dataclass(frozen=True)
class Moment:
    """The moment of decision of one patient: the twin after the scans so far, the plan best before them, and how much to draw."""

    twin: Twin
    exam: Exam
    before: int
    stream: Stream
    draws: int


Choose = Callable[[Moment], Plan]
Own = Callable[[Twin, Exam, np.random.Generator], Plan]


def arms_of(given: Sequence[Arm | str] | None, exam: Exam) -> tuple[Arm, ...]:
    """The arms; text is both name and policy, None stands for twin, prior and fixed. Raises InputError for one that cannot be used."""
    arms = tuple(_arm(arm) for arm in (given if given is not None else (TWIN, PRIOR, FIXED)))
    names = [arm.name for arm in arms]
    if not arms:
        raise InputError("a trial without arms", where="arms", remedy=f"name at least one of {', '.join(_known(exam))}")
    if not all(names):
        raise InputError("an arm without a name", where="arms", remedy="write it as NAME=POLICY, or as a policy alone")
    if len(set(names)) < len(names):
        raise InputError(f"arms named {', '.join(names)}", where="arms", remedy="give every arm a name of its own")
    if HINDSIGHT in names or HINDSIGHT in [arm.policy for arm in arms]:
        raise InputError("hindsight as an arm", where="arms", remedy="leave it out; it is reported as a bound beside the arms")
    for arm in arms:
        policy(arm, exam)
    return arms


def _arm(given: Arm | str) -> Arm:
    """`NAME=POLICY`, or a policy that is its own name; of one's own function the name is the function's."""
    if isinstance(given, Arm):
        return given
    name, sign, rest = given.partition("=")
    return Arm(name.strip(), rest.strip()) if sign else Arm(given.rpartition(":")[2].strip(), given.strip())


def policy(arm: Arm, exam: Exam) -> Choose:
    """The function that chooses. Raises InputError, which lists what there is, when the policy names no plan and no function."""
    if arm.policy == TWIN:
        return twin_choice
    if arm.policy == PRIOR:
        return lambda moment: moment.exam.plans[moment.before]
    if ":" in arm.policy:
        return partial(_own, cast(Own, function_of(arm.policy)))
    names = _named(exam)
    if arm.policy not in names:
        remedy = f"choose from {', '.join(_known(exam))}, or name a function as module:function"
        raise InputError(f"no plan or policy {arm.policy!r}", where=f"arm {arm.name}", remedy=remedy)
    fixed = exam.plans[names[arm.policy]]
    return lambda moment: fixed


def twin_choice(moment: Moment) -> Plan:
    """The plan of least expected loss under the belief."""
    return moment.exam.plans[int(np.argmin(losses(moment.twin, moment.exam, moment.stream, moment.draws)))]


def _own(function: Own, moment: Moment) -> Plan:
    chosen = function(moment.twin, moment.exam, common_draws(*moment.stream, 2))
    if not isinstance(chosen, tuple) or not all(isinstance(action, Action) for action in chosen):
        where = f"{function.__module__}:{function.__qualname__}"
        raise InputError(f"a {type(chosen).__name__} for a plan", where=where, remedy="return a tuple of Actions, such as exam.plans[0]")
    return chosen


def words(arm: Arm, exam: Exam) -> str:
    """What the arm does, in words."""
    if arm.policy in WORDS:
        return WORDS[arm.policy]
    return f"chosen by {arm.policy}" if ":" in arm.policy else f"for every patient: {labels(exam)[_named(exam)[arm.policy]]}"


def label(plan: Plan) -> str:
    """A plan as people write it: `inject 7400 MBq + flush 10 mL`; `nothing` when it is empty."""
    return " + ".join(f"{action.kind} {action.amount:g} {action.unit}" for action in plan) or "nothing"


def labels(exam: Exam) -> tuple[str, ...]:
    """Labels of the exam's plans; plans that differ in their times alone are told apart by these."""
    short = [label(plan) for plan in exam.plans]
    return tuple(_timed(plan, text) if short.count(text) > 1 else text for plan, text in zip(exam.plans, short))


def _timed(plan: Plan, text: str) -> str:
    return f"{text} at {', '.join(f'{action.t_s / DAY_S:g}' for action in plan)} d"


def _named(exam: Exam) -> dict[str, int]:
    """Index of each plan by its label and by `plan-0`, `plan-1`, …; `fixed` is the last."""
    numbered = {f"plan-{i}": i for i in range(len(exam.plans))}
    return {text: i for i, text in enumerate(labels(exam))} | numbered | {FIXED: len(exam.plans) - 1}


def _known(exam: Exam) -> tuple[str, ...]:
    return (TWIN, PRIOR, FIXED, *(f"plan-{i} ({text})" for i, text in enumerate(labels(exam))))
