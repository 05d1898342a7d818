"""A trial that a record holds, taken up again from its tasks: nothing is computed, and no code that a task names is run."""

import json
from typing import Any

import numpy as np

from gemel.core.digest import digest
from gemel.core.errors import GemelError
from gemel.core.page import Chart, Panel, Trace
from gemel.core.system import Exam
from gemel.flow import registry
from gemel.flow.cohort.arms import HINDSIGHT, Arm, labels
from gemel.flow.cohort.execute import results
from gemel.flow.cohort.finished import Trial
from gemel.flow.cohort.trial import LIVE, table_of
from gemel.store import Store, standing

NONE = np.zeros(0)


def trial_of(store: Store, queue: str) -> Trial | None:
    """The trial whose tasks are those of a queue; None when they are no trial's, or not all of them are done."""
    told = [json.loads(body) for body in standing.bodies_of(store.rows, queue)]
    inputs = [task["inputs"] for task in told if task.get("function") == LIVE]
    if not told or len(inputs) < len(told):
        return None
    done = list(results(store, queue).values())
    if len(done) < len(told) or any(result.error for result in done):
        return None
    return _trial(inputs[0], [dict(result.value) for result in done], tuple(result.name for result in done))


def _trial(said: dict[str, Any], values: list[dict[str, Any]], names: tuple[str, ...]) -> Trial | None:
    """None for a system that is not installed any more."""
    try:
        system = registry.system(said["system"])
    except GemelError:
        return None
    model, exam = system.template(), system.exam
    assert isinstance(exam, Exam)
    columns = table_of(values, list(model.readouts))
    units = {name: readout.unit for name, readout in model.readouts.items() if name in columns}
    held = tuple(Arm(name, policy) for name, policy in said["arms"])
    patients = len(np.unique(columns["patient"]))
    made = (patients, said["draws"], said["seed"], digest(dict(said["code"])), names, columns)
    return Trial(said["system"], model.name, model.version, model.card, held, labels(exam), exam.loss, units, *made)


def charts_of(trial: Trial) -> tuple[Chart, ...]:
    """Every arm's mean with its 95 %, and the differences of the first arm from the others with theirs."""
    names = [*(arm.name for arm in trial.arms), HINDSIGHT]
    held = [trial.summary(name) for name in names]
    x = np.arange(1.0, len(names) + 1)
    mean, low, high = (np.array([getattr(one, end) for one in held]) for end in ("mean", "low", "high"))
    p05, p95 = (np.array([getattr(one, end) for one in held]) for end in ("p05", "p95"))
    unit = f"{trial.loss} / {trial.unit(trial.loss)}"
    traces = (Trace("patients, 90 %", x, mean, p05, p95, points=True, colour=7), Trace("mean, 95 %", x, mean, low, high, points=True))
    arms = Chart("Arms", (Panel(trial.loss, "arm", unit, traces),), "Arms in order: " + ", ".join(names) + ".")
    pairs = [pair for pair in trial.pairs() if pair.a == trial.arms[0].name]
    if not pairs:
        return (arms,)
    away = np.array([pair.difference for pair in pairs])
    ends = (np.array([pair.low for pair in pairs]), np.array([pair.high for pair in pairs]))
    trace = Trace("difference", np.arange(1.0, len(pairs) + 1), away, *ends, points=True, colour=1)
    said = ", ".join(pair.b for pair in pairs)
    panel = Panel(f"{trial.arms[0].name} less each other arm", "arm", unit, (trace,), limits={"none": 0.0})
    return arms, Chart("Differences", (panel,), f"Less than zero: {trial.arms[0].name} is better. Against, in order: {said}.")
