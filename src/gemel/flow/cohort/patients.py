"""The virtual patients of a trial: each drawn from the model's prior, lived through once, and treated in every arm by the same chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any

import numpy as np

from gemel.core import twin as twins
from gemel.core.errors import ConformanceError
from gemel.core.model import Model
from gemel.core.record import Plan
from gemel.core.system import System, common_draws
from gemel.core.twin import Twin
from gemel.flow import registry
from gemel.flow.choice import Stream, expected, outcome, prior_losses
from gemel.flow.cohort.arms import HINDSIGHT, Arm, Choose, Moment, label, labels, policy
from gemel.flow.synthetic import SyntheticPatient, synthetic_patient

CHUNK = 8
"""Patients a task; fixed, so that the tasks of a trial are the same for any number of workers."""
LIVED, SEEN, CHOSEN, EXPECTED, CAME, BEFORE = range(1, 7)
"""Streams of chance: the patient's life and scans, the twin's learning, the choice, what is expected of it, what came, the prior.

From one on: numpy makes the same generator of (a, b) and (a, b, 0)."""


@dataclass(frozen=True)
class Subject:
    """One virtual patient at the moment of decision: his truth, his twin, and the numbers that name his chance."""

    system: System
    model: Model
    truth: SyntheticPatient
    twin: Twin
    names: Stream
    draws: int


def live(inputs: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Rows of the patients `first` to `last`, one for each arm and one for hindsight, as columns.

    All chance derives from the trial's seed and the patient's number, none from `rng`, which belongs to the task: an arm that is added
    leaves the others as they were. Raises ConformanceError for a readout that is not finite.
    """
    seed, draws = int(inputs["seed"]), int(inputs["draws"])
    system, model, before = _made(str(inputs["system"]), seed)
    arms = {name: policy(Arm(name, held), system.exam) for name, held in inputs["arms"]}
    rows = []
    for number in range(int(inputs["first"]), int(inputs["last"])):
        rows += _rows(_subject(system, model, (seed, number), draws), arms, before)
    return {name: [row[name] for row in rows] for name in rows[0]}


@lru_cache(maxsize=4)
def _made(name: str, seed: int) -> tuple[System, Model, int]:
    """The system, its model and the plan best before any scan, made once in each process."""
    system = registry.system(name)
    model = system.template()
    return system, model, int(np.argmin(prior_losses(model, system.exam, (seed, BEFORE))))


def _subject(system: System, model: Model, names: Stream, draws: int) -> Subject:
    exam = system.exam
    truth = synthetic_patient(model, exam.times_s, exam.sd, common_draws(*names, LIVED))
    twin = twins.new(model, 0.0, int(common_draws(*names, SEEN).integers(2**31)))
    for scan in truth.observations[:-1]:
        twin = twins.assimilate(twin, scan)
    return Subject(system, model, truth, twin, names, draws)


def _rows(subject: Subject, arms: Mapping[str, Choose], before: int) -> list[dict[str, Any]]:
    exam = subject.system.exam
    moment = Moment(subject.twin, exam, before, (*subject.names, CHOSEN), subject.draws)
    chosen = {name: choose(moment) for name, choose in arms.items()}
    came = {plan: _came(subject, plan) for plan in dict.fromkeys([*exam.plans, *chosen.values()])}
    chosen[HINDSIGHT] = min(came, key=lambda plan: came[plan][exam.loss])
    hoped = _hoped(subject, list(dict.fromkeys(chosen.values())))
    names = dict(zip(exam.plans, labels(exam)))
    return [
        {
            "patient": subject.names[-1],
            "arm": arm,
            "plan": names.get(plan) or label(plan),
            "true_loss": came[plan][exam.loss],
            "expected_loss": hoped[plan],
            **came[plan],
        }
        for arm, plan in chosen.items()
    ]


def _came(subject: Subject, plan: Plan) -> dict[str, float]:
    """Every readout that is one number, as it came under the plan."""
    model, stream = subject.model, (*subject.names, CAME)
    came = dict(outcome(model, subject.system.exam, subject.truth, plan, stream=stream, readouts=list(model.readouts)))
    wrong = [f"{name} = {value}" for name, value in came.items() if not isfinite(value)]
    if wrong:
        where = f"{model.name}, patient {subject.names[-1]}, {label(plan)}"
        raise ConformanceError(f"readouts {', '.join(wrong)}", where=where, remedy="correct the readout or narrow the prior")
    return came


def _hoped(subject: Subject, plans: Sequence[Plan]) -> dict[Plan, float]:
    """Expected loss of each plan on draws of its own: on those of the choice the plan chosen would look better than it is."""
    stream = (*subject.names, EXPECTED)
    return dict(zip(plans, expected(subject.twin, subject.system.exam, plans, stream=stream, draws=subject.draws).tolist()))
