"""Who is examined, and lines of the evidence table about him."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from gemel.core import twin as twins
from gemel.core.card import Evidence
from gemel.core.model import Model
from gemel.core.record import Observation
from gemel.core.system import System, common_draws
from gemel.core.twin import Twin
from gemel.flow.conformance.course import Course
from gemel.flow.synthetic import SyntheticPatient, synthetic_patient


@dataclass(frozen=True)
class Subject:
    """A system under examination with the courses of its synthetic patients; `wrong`: those with a model error, by its kind."""

    system: System
    courses: Sequence[Course] = ()
    wrong: Mapping[str, Sequence[Course]] = field(default_factory=dict)

    @cached_property
    def model(self) -> Model:
        """The model without a patient."""
        return self.system.template()

    @cached_property
    def patient(self) -> SyntheticPatient:
        """One synthetic patient for checks that need no statistics."""
        return synthetic_patient(self.model, self.system.exam.times_s, self.system.exam.sd, common_draws(11))


Check = Callable[[Subject], Sequence[Evidence]]


def followed(model: Model, patient: SyntheticPatient, order: Sequence[int], *, seed: int = 5, later_s: float = 0.0) -> Twin:
    """The twin after the patient's scans in an order of arrival; the calendar may start `later_s` later."""
    twin = twins.new(model, later_s, seed)
    for scan in order:
        twin = twins.assimilate(twin, tuple(_later(o, later_s) for o in patient.observations[scan]))
    return twin


def _later(observation: Observation, by_s: float) -> Observation:
    return replace(observation, t_s=observation.t_s + by_s)


def yes(line: str, criterion: str, passed: bool, note: str = "") -> Evidence:
    """A yes-or-no line; its section is filled in by the examination."""
    return Evidence("", line, criterion, float(passed), float(passed), float(passed), bool(passed), note)


def judged(line: str, criterion: str, found: tuple[float, float, float], passed: bool, note: str = "") -> Evidence:
    """A number with its interval (number, low, high), and whether it meets the criterion."""
    return Evidence("", line, criterion, *found, bool(passed), note)


def reported(line: str, what: str, found: tuple[float, float, float], note: str = "") -> Evidence:
    """A number with its interval that is reported and not judged."""
    return Evidence("", line, what, *found, None, note)
