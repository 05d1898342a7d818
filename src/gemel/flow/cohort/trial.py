"""`gemel trial`: an in-silico trial. Virtual patients of a model, each treated in every arm by the same chance."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from gemel.core.digest import digest
from gemel.core.errors import ConformanceError, InputError
from gemel.core.image import Array
from gemel.core.system import Exam, Progress, System, silent
from gemel.flow import registry
from gemel.flow.cohort.arms import Arm, arms_of, labels
from gemel.flow.cohort.execute import execute
from gemel.flow.cohort.finished import TEXTS, Trial
from gemel.flow.cohort.functions import code_of
from gemel.flow.cohort.patients import CHUNK
from gemel.flow.cohort.task import Task, whole
from gemel.store import Store

DRAWS = 1000
LIVE = "gemel.flow.cohort.patients:live"
FIRST = ("patient", "arm", "plan", "true_loss", "expected_loss")


def run(
    system_name: str,
    *,
    patients: int,
    arms: Sequence[Arm | str] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    store: Store | str | Path | None = None,
    executor: str = "pool",
    workers: int | None = None,
    progress: Progress = silent,
) -> Trial:
    """A trial of an installed system: `patients` drawn from its prior, each lived through once and treated in every arm.

    All arms meet the same patient, the same scans and the same chance; hindsight is reported beside them. `arms`: see `arms.Arm`; twin,
    prior and fixed unless stated. The table is the same for any executor and number of workers, and an arm that is added leaves the
    others' rows as they were. A trial with a `store` goes on where it was killed. Raises InputError for what cannot be used,
    ConformanceError for a system without an exam, TaskError when a patient could not be followed.
    """
    system = registry.system(system_name)
    exam = exam_of(system_name, system)
    _require(patients, draws, seed)
    held = arms_of(arms, exam)
    code = _code(system, held)
    tasks = tasks_of(system_name, held, patients, draws=draws, seed=seed, code=code)
    done = whole(
        execute(tasks, store=store, executor=executor, workers=(os.cpu_count() or 1) if workers is None else workers, progress=progress)
    )
    model = system.template()
    columns = table_of([done[task.name].value for task in tasks], list(model.readouts))
    units = {name: readout.unit for name, readout in model.readouts.items() if name in columns}
    made = (patients, draws, seed, digest(code), tuple(task.name for task in tasks))
    return Trial(system_name, model.name, model.version, model.card, held, labels(exam), exam.loss, units, *made, columns)


def exam_of(name: str, system: System) -> Exam:
    """The system's exam. Raises ConformanceError when it has none that a trial can be made of."""
    exam = system.exam
    if not isinstance(exam, Exam) or not exam.plans or len(exam.times_s) < 2:
        remedy = "give the System an Exam with at least one plan and two scan times"
        raise ConformanceError("a system without an exam", where=name, remedy=remedy)
    return exam


def tasks_of(name: str, arms: Sequence[Arm], patients: int, *, draws: int, seed: int, code: Mapping[str, str]) -> tuple[Task, ...]:
    """The work: patients in chunks of CHUNK, all arms of each together."""
    common = {"system": name, "arms": [[arm.name, arm.policy] for arm in arms], "draws": draws, "seed": seed, "code": dict(code)}
    firsts = range(0, patients, CHUNK)
    return tuple(Task(LIVE, common | {"first": i, "last": min(i + CHUNK, patients)}, seed) for i in firsts)


def _require(patients: int, draws: int, seed: int) -> None:
    """Raises InputError for numbers that make no trial."""
    wanted = (("patients", patients, 2), ("draws", draws, 2), ("seed", seed, 0))
    for name, found, least in wanted:
        if isinstance(found, bool) or found != int(found) or found < least:
            raise InputError(f"{name} = {found}", where="trial", remedy=f"give a whole number, {least} or more")


def _code(system: System, arms: Sequence[Arm]) -> dict[str, str]:
    """Digests of the code of the model and of each function of one's own."""
    made = system.template
    own = {arm.policy: code_of(arm.policy) for arm in arms if ":" in arm.policy}
    return {"model": code_of(f"{made.__module__}:{made.__qualname__}"), **own}


def table_of(parts: Sequence[Mapping[str, Any]], readouts: Sequence[str]) -> dict[str, Shaped[Array, "rows"]]:
    """The rows of all tasks one below the other, in the order of the patients; readouts that are not one number have no column."""
    names = [name for name in (*FIRST, *readouts) if name in parts[0]]
    return {name: _column(name, [value for part in parts for value in part[name]]) for name in names}


def _column(name: str, values: Sequence[float | str]) -> Shaped[Array, "rows"]:
    kind = str if name in TEXTS else np.int64 if name == "patient" else np.float64
    return np.array(values, dtype=kind)
