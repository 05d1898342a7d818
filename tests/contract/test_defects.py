"""The examination finds what is wrong: plug-ins with one known defect each fail on the line that names it."""

from collections.abc import Callable

import pytest

from gemel.core.card import Examination
from gemel.core.errors import ConformanceError
from gemel.flow.conformance import Budget, examine
from tests.contract.plugins import MODELS, system

BUDGET = Budget("defects", 64, 4)


@pytest.fixture(scope="module")
def examination() -> Callable[[str], Examination]:
    held: dict[str, Examination] = {}

    def of(name: str) -> Examination:
        if name not in held:
            done = examine(name, system(MODELS[name]), BUDGET)[0].examination
            assert done is not None
            held[name] = done
        return held[name]

    return of


def failed(done: Examination) -> set[str]:
    return {line.section for line in done.failures}


def test_the_honest_plugin_is_conformant(examination: Callable[[str], Examination]) -> None:
    assert examination("honest").failures == ()
    assert examination("honest").conformant


def test_forecasts_that_are_too_narrow(examination: Callable[[str], Examination]) -> None:
    done = examination("too_narrow")
    assert {"coverage", "ranks of forecasts", "alarms"} <= failed(done)
    assert not done.conformant
    assert not failed(done) & {"replay", "determinism", "shapes and units", "refusal of bad input", "simulation-based calibration"}


def test_a_replay_that_gives_another_belief(examination: Callable[[str], Examination]) -> None:
    done = examination("wrong_replay")
    assert {"replay", "a late scan"} <= {line.line for line in done.failures} <= {"replay", "a late scan", "workers"}


def test_learning_that_ignores_the_data(examination: Callable[[str], Examination]) -> None:
    """Its ranks and coverage are as they should be: the prior is honest. It fails where it should have learned."""
    done = examination("ignores_data")
    assert {"learning", "decision value"} <= failed(done)
    assert not failed(done) & {"simulation-based calibration", "ranks of forecasts", "coverage", "alarms", "replay"}
    table = {line.line: line for line in done.table}
    assert table["not informed"].note == "sd_height_mm, idle_rate_1_d"
    assert abs(table["height_mm: against as planned"].number) < 0.05
    assert table["height_mm: against the running mean"].number < -0.1


def test_learning_that_takes_anything(examination: Callable[[str], Examination]) -> None:
    assert {line.line for line in examination("accepts_anything").failures} == {"a value of another shape"}


def test_parameters_of_which_it_is_too_sure(examination: Callable[[str], Examination]) -> None:
    """The forecasts are as they were; only the ranks of the parameters tell."""
    done = examination("too_sure_of_parameters")
    assert failed(done) == {"simulation-based calibration"}
    assert {line.criterion for line in done.failures} == {"p > 0.005, n = 64"}  # 1 % shared by two parameters


def test_learning_by_a_generator_of_its_own(examination: Callable[[str], Examination]) -> None:
    lines = {line.line for line in examination("unseeded").failures}
    assert {"seed", "workers", "replay", "a late scan", "zero of the calendar"} == lines


def test_learning_that_looks_at_the_calendar(examination: Callable[[str], Examination]) -> None:
    assert {line.line for line in examination("calendar").failures} == {"zero of the calendar"}


def test_an_observation_of_another_shape_than_the_exam_states(examination: Callable[[str], Examination]) -> None:
    done = examination("shapeless")
    assert next(line for line in done.failures if line.line == "observations").note == "height_mm"


def test_a_model_that_breaks_is_a_line_that_says_how(examination: Callable[[str], Examination]) -> None:
    done = examination("broken")
    notes = [line.note for line in done.failures]
    assert any("KeyError: 'width_mm'" in note for note in notes)
    assert not done.conformant


def test_the_parameter_that_does_nothing_is_named(examination: Callable[[str], Examination]) -> None:
    named = next(line for line in examination("honest").table if line.line == "not informed")
    assert named.note == "idle_rate_1_d"


def test_a_model_error_is_reported_and_not_judged(examination: Callable[[str], Examination]) -> None:
    lines = [line for line in examination("honest").table if line.section == "misspecification"]
    assert {line.passed for line in lines} == {None}
    errors = ["20% model error", "a drift of 0.2 prior sd a scan", "noise that grows by 20% a scan", "a parameter 2.5 sd outside"]
    assert [line.line for line in lines] == [
        *(f"coverage with {error}" for error in errors),
        *(f"alarms with {error}" for error in errors),
        "alarms without",
        *(f"ranks of scans with {error}" for error in errors),
    ]
    assert all(0 <= line.low <= line.number <= line.high <= 1 for line in lines)


def test_a_system_without_a_model_is_refused() -> None:
    def template() -> object:
        raise ValueError("no table of priors")

    with pytest.raises(ConformanceError, match=r"no model \(ValueError: no table of priors\)"):
        examine("empty", system(template), BUDGET)  # type: ignore[arg-type]
