"""Synthetic patients of every installed model, lived through once and shared by the contract tests."""

from dataclasses import dataclass

import numpy as np
import pytest

from gemel.core import twin as twins
from gemel.core.forecast import forecast, interval
from gemel.core.image import Array
from gemel.core.model import Model
from gemel.core.system import Exam, System
from gemel.flow import registry
from gemel.flow.synthetic import SyntheticPatient, synthetic_patient

PATIENTS = 200
DRAWS = 300


@dataclass(frozen=True)
class Course:
    """One patient followed up to the last scan but one, and the forecast for the last."""

    patient: SyntheticPatient
    twin: twins.Twin
    forecasts: dict[str, Array]
    truth: dict[str, Array]
    ranks: dict[str, float]
    squared: dict[str, Array]  # kind -> (scans, 3): squared error one scan ahead of the twin, of the running mean, of "as planned"
    losses: Array  # forecast loss of each plan
    true_losses: Array


@pytest.fixture(scope="session", params=registry.systems())
def system(request: pytest.FixtureRequest) -> System:
    return registry.system(request.param)


@pytest.fixture(scope="session")
def model(system: System) -> Model:
    return system.template()


@pytest.fixture(scope="session")
def courses(system: System, model: Model) -> list[Course]:
    return [course(model, system.exam, i) for i in range(PATIENTS)]


def course(model: Model, exam: Exam, i: int) -> Course:
    rng = np.random.default_rng([2026, i])
    patient = synthetic_patient(model, exam.times_s, exam.sd, rng)
    twin = twins.new(model, 0.0, i)
    last, kinds = exam.times_s[-1], list(model.observe)
    squared: dict[str, list[Array]] = {kind: [] for kind in kinds}
    for day, seen in enumerate(patient.observations[:-1]):
        twin = twins.assimilate(twin, seen)
        ahead_of = forecast(twin, (), kinds, exam.times_s[day + 1], DRAWS, rng).values
        for kind in kinds:
            true = model.observe[kind](patient.states[day + 1], patient.params)[0]
            past = np.mean([o.value for scan in patient.observations[: day + 1] for o in scan if o.kind == kind], axis=0)
            guesses = (ahead_of[kind].mean(axis=0), past, np.zeros_like(true))
            squared[kind].append(np.array([np.square(guess - true).sum() for guess in guesses]))
    values = dict(forecast(twin, (), kinds, last, DRAWS, rng).values)
    truth = {kind: model.observe[kind](patient.states[-1], patient.params)[0] for kind in kinds}
    _, params = twin.belief.draw(DRAWS, rng)
    ranks = {name: float((params[name] < patient.params[name]).mean()) for name in params}
    ahead = [forecast(twin, plan, [exam.loss], last, DRAWS, np.random.default_rng([7, i])).values[exam.loss] for plan in exam.plans]
    readout = model.readouts[exam.loss]
    true_losses = [float(readout.compute(patient.states[-1], patient.params, plan, rng)[0]) for plan in exam.plans]
    errors = {kind: np.array(rows) for kind, rows in squared.items()}
    return Course(patient, twin, values, truth, ranks, errors, np.mean(ahead, axis=1), np.array(true_losses))


def inside(courses: list[Course], kind: str, level: float = 0.9) -> Array:
    """(patients, components): whether the truth lies within the central interval."""
    bounds = [interval(c.forecasts[kind], level) for c in courses]
    return np.array([(c.truth[kind] >= low) & (c.truth[kind] <= high) for c, (low, high) in zip(courses, bounds)])
