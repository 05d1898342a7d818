"""A synthetic course says what it should: the model error is in the data, gross errors are seen, plans meet the same draws."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core import twin as twins
from gemel.core.card import Evidence
from gemel.core.digest import digest
from gemel.core.forecast import Forecast
from gemel.core.record import Action, Observation
from gemel.core.surprise import is_alarm, surprise
from gemel.core.time import DAY_S
from gemel.flow.choice import losses
from gemel.flow.conformance.budget import DRAWS, ERROR
from gemel.flow.conformance.course import follow, free
from gemel.flow.conformance.honesty import parameter_ranks, scan_ranks
from gemel.flow.conformance.plots import forest, ranks
from gemel.flow.conformance.wrong import inflated
from gemel.flow.observe import DRAWS as SCAN_DRAWS
from gemel.flow.synthetic import synthetic_patient
from tests.contract.plugins import MODELS, LEVELS_mm, honest, system

EXAM = system(MODELS["honest"]).exam


def test_the_model_error_is_in_what_is_observed_and_not_in_the_state() -> None:
    right, wrong = (synthetic_patient(m, EXAM.times_s, EXAM.sd, np.random.default_rng(1)) for m in (honest(), inflated(honest())))
    true = np.array([state["height_mm"][0] for state in right.states])
    assert [state["height_mm"][0] for state in wrong.states] == pytest.approx(true)
    more = np.array([b[0].value - a[0].value for a, b in zip(right.observations, wrong.observations)])[:, 0]
    assert more == pytest.approx(0.2 * true)
    assert ERROR == 0.2


def test_a_misspecified_course_is_another_one() -> None:
    right, again, wrong = (follow((honest, EXAM, 3, error)) for error in ("", "", "gain"))
    assert digest(right) == digest(again) != digest(wrong)


def test_ranks_lie_on_an_even_grid() -> None:
    """Among n draws a rank has n + 1 values, each the middle of its share, so that bins hold equally many."""
    courses = [follow((honest, EXAM, i, "")) for i in range(4)]
    for held in parameter_ranks(courses).values():
        steps = held * (DRAWS + 1) - 0.5
        assert steps == pytest.approx(np.round(steps))
    assert {name: len(held) for name, held in scan_ranks(courses).items()} == {"height_mm": 4 * 5}
    assert {len(c.ahead["height_mm"].held) for c in courses} == {len(EXAM.times_s) - 1}


def test_the_first_scan_narrows_the_forecast_of_the_second() -> None:
    course = follow((honest, EXAM, 5, ""))
    assert 0 < course.ahead["height_mm"].sd[0] < 0.9 * 5.0 * np.exp(0.4**2)


def test_every_plan_meets_the_same_draws() -> None:
    """The same plan twice loses the same to the last bit, which it would not with draws of its own."""
    twin = twins.new(honest(), 0.0, 0)
    near = replace(EXAM, plans=tuple((Action("choose", 6 * DAY_S, float(i), "level"),) for i in (4, 4, 0)))
    expected = losses(twin, near, (1,), DRAWS)
    assert expected[0] == expected[1] < expected[2]
    assert expected.tolist() == losses(twin, near, (1,), DRAWS).tolist() != losses(twin, near, (2,), DRAWS).tolist()
    assert int(np.argmin(losses(twin, EXAM, (1,), DRAWS))) == LEVELS_mm.index(0.0)


def test_lognormal_parameters_are_compared_by_their_logarithm() -> None:
    values = {"sd_height_mm": np.array([1.0, np.e]), "idle_rate_1_d": np.array([np.e, 1.0])}
    assert free(honest(), values)["sd_height_mm"] == pytest.approx([0.0, 1.0])


def test_the_plots_are_pictures() -> None:
    held = {"a": np.random.default_rng(0).random(30), "b": np.random.default_rng(1).random(30)}
    lines = [Evidence("s", "l", "c", 0.9, 0.8, 1.0, True), Evidence("s", "m", "c", 0.5, 0.5, 0.5, None)]
    for picture in (ranks(held), forest(lines, lambda axes: axes.axvline(0.9))):
        assert picture[:4] == b"\x89PNG"
        assert len(picture) > 2000


def alarm_rate(draws: int, scans: int = 1500) -> float:
    """How often an exact forecast of three components, made of so many draws, raises an alarm."""
    rng, raised = np.random.default_rng(8), 0
    for _ in range(scans):
        truth = rng.standard_normal(3)
        ahead = Forecast("m", 0.0, 1.0, (), {"place_mm": rng.standard_normal((draws, 3))})
        raised += is_alarm(surprise(ahead, Observation("place_mm", 1.0, truth + 0.1 * rng.standard_normal(3), np.full(3, 0.1), "s")))
    return raised / scans


def test_draws_are_enough_for_the_alarm_to_keep_its_level() -> None:
    """1 % within 2.6 binomial sd of 1500 scans, in the loop and in the examination; with 300 draws tails end too early."""
    bound = 0.01 + 2.6 * np.sqrt(0.01 * 0.99 / 1500)
    assert alarm_rate(SCAN_DRAWS) < bound
    assert DRAWS + 1 >= SCAN_DRAWS
    assert alarm_rate(300) > bound
