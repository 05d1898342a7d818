"""All checks on one system, line by line; a check that breaks is a line that failed."""

from collections.abc import Sequence
from dataclasses import replace
from pickle import PickleError

from gemel.core.card import Card, Evidence, Examination
from gemel.core.errors import ConformanceError, GemelError
from gemel.core.system import Progress, System, silent
from gemel.engines.parallel import mapped
from gemel.flow.conformance import again, form, honesty, worth
from gemel.flow.conformance.budget import Budget
from gemel.flow.conformance.course import Course, follow
from gemel.flow.conformance.results import code_digest
from gemel.flow.conformance.subject import Check, Subject
from gemel.flow.conformance.wrong import WRONG

SECTIONS: dict[str, Check] = {
    "shapes and units": form.shapes,
    "unit laws": form.unit_laws,
    "refusal of bad input": form.refusal,
    "replay": again.replay,
    "determinism": again.determinism,
    "simulation-based calibration": honesty.sbc,
    "ranks of forecasts": honesty.forecasts,
    "coverage": honesty.coverage,
    "alarms": honesty.alarms,
    "misspecification": honesty.misspecification,
    "learning": worth.learning,
    "identifiability": worth.identifiability,
    "decision value": worth.value,
}
ALONE = ("shapes and units", "unit laws", "refusal of bad input", "replay")
"""Sections that need no courses of patients."""
BROKEN = (GemelError, ArithmeticError, AttributeError, LookupError, NotImplementedError, PickleError, TypeError, ValueError)
"""What a defective model may raise in a check."""


def examine(name: str, system: System, budget: Budget, progress: Progress = silent) -> tuple[Card, Subject]:
    """The card of the system with its evidence table, and what it was made of. Raises ConformanceError when it has no model at all."""
    subject, lived = _live(system, budget, progress)
    try:
        model = subject.model
    except BROKEN as error:
        raise ConformanceError(f"no model ({_said(error)})", where=name, remedy="template() must return a Model") from error
    table = [replace(line, section=section) for section, check in SECTIONS.items() for line in _lines(section, check, subject)]
    done = Examination(name, model.name, model.version, code_digest(name, system), budget.name, len(subject.courses), (*lived, *table))
    return replace(model.card, examination=done), subject


def _live(system: System, budget: Budget, progress: Progress) -> tuple[Subject, Sequence[Evidence]]:
    """The subject with the courses of its patients, on all cores."""
    tasks = [(i, "") for i in range(budget.patients)] + [(i, error) for error in WRONG for i in range(budget.misspecified)]
    try:
        work = [(system.template, system.exam, i, error) for i, error in tasks]
        done: list[Course] = mapped(follow, work, lambda n, of: progress("synthetic patients", n, of))
    except BROKEN as error:
        return Subject(system), (replace(_failed("synthetic patients", _said(error)), section="courses"),)
    lived = {name: [course for course, (_, error) in zip(done, tasks) if error == name] for name in ("", *WRONG)}
    return Subject(system, lived.pop(""), lived), ()


def _lines(section: str, check: Check, subject: Subject) -> Sequence[Evidence]:
    """The lines of a check, or one that says how it broke."""
    if section not in ALONE and not subject.courses:
        return (_failed("can be carried out", "no patients to judge by"),)
    try:
        return check(subject)
    except BROKEN as error:
        return (_failed("can be carried out", _said(error)),)


def _failed(line: str, note: str) -> Evidence:
    return Evidence("", line, "without an error", 0.0, 0.0, 0.0, False, note)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
