"""Schedules: names, the search against the course, the superquantile, the front and the goal."""

import numpy as np
import pytest

from gemel.core import decision, twin
from gemel.core.errors import InputError, RangeError
from gemel.core.forecast import Forecast
from gemel.core.parameter import draw_free
from gemel.core.time import DAY_S
from gemel.engines.inference.course import named
from gemel.systems import glioma
from gemel.systems.glioma.course import advance, begin, progression_d
from gemel.systems.glioma.events import Setting, unfolded
from gemel.systems.glioma.judge import goal, utility
from gemel.systems.glioma.population import population
from gemel.systems.glioma.schedules import Schedule, actions, every, read, usual
from gemel.systems.glioma.search import efficient, front, schedule_of, search
from gemel.systems.glioma.superquantile import shortfall_form, worst_mean


def drawn(n, seed=3):
    return named(population(), draw_free(population(), n, np.random.default_rng(seed)))


@pytest.mark.parametrize("name", ["5 x 2/2/2/2/2/2 Gy", "5 x 0/2.5/4 Gy", "stop"])
def test_names_are_read_back(name):
    assert read(name).name == name


@pytest.mark.parametrize("name", ["60 Gy", "5 x 2/2/2/2/2/2/2 Gy", "5 x 25 Gy", "5 x  Gy"])
def test_other_names_are_refused(name):
    with pytest.raises(InputError):
        read(name)


def test_the_usual_course_is_thirty_times_two():
    assert (usual(6).total_Gy, usual(6).brain_BED_Gy) == (60.0, 120.0)


def test_once_stopped_a_course_is_not_resumed():
    rows = {tuple(row) for row in every(3, (0.0, 2.0))}
    assert rows == {(0, 0, 0), (2, 0, 0), (2, 2, 0), (2, 2, 2)}


@pytest.mark.parametrize("concurrent", [False, True])
def test_the_search_agrees_with_the_course(concurrent):
    """With and without the drug, for tumours that progress within the course, after it, and never."""
    setting, params = Setting(concurrent=concurrent), drawn(64)
    params["alpha_1_Gy"][:8] *= 0.05  # some progress under treatment
    params["rho_1_d"][:8] = 0.15
    state = advance(begin(params), params, (), 20 * DAY_S)
    rows = np.array([[2.0] * 6, [4.0, 4, 4, 0, 0, 0], [1.0, 2, 3, 2, 2.5, 1], [0.0] * 6])
    found = search(setting, state, params, rows)
    for row, got in zip(rows, found.progression_d):
        plan = actions(Schedule(tuple(row)), 20 * DAY_S)
        np.testing.assert_allclose(got, progression_d(state, params, unfolded(setting, plan, 0.0)), rtol=1e-4 if concurrent else 1e-9)
    np.testing.assert_allclose(found.total_Gy, [60, 60, 57.5, 0])
    assert (found.progression_d[0] < 42).any()


def test_the_search_goes_on_from_what_was_given():
    params, plan = drawn(32), actions(usual(6), 0.0)
    events = unfolded(Setting(), plan, 0.0)
    midway = advance(begin(params), params, events, 14 * DAY_S)
    found = search(Setting(), midway, params, np.array([[2.0] * 4]))
    expected = progression_d(begin(params), params, events)
    assert (expected < 14).any()  # it is too late to see when those progressed
    np.testing.assert_allclose(found.progression_d[0], np.maximum(expected, 14.0), rtol=1e-9)
    assert found.total_Gy[0] == 60.0


def test_the_superquantile_is_the_mean_of_the_worst():
    values = np.random.default_rng(0).permutation(np.arange(100.0))
    assert worst_mean(values, 0.8) == pytest.approx(np.arange(20).mean())
    assert worst_mean(values, 0.0) == pytest.approx(values.mean())
    assert worst_mean(values[None, :3], 0.5).shape == (1,)
    assert shortfall_form(values, 0.8).mean() == pytest.approx(worst_mean(values, 0.8))
    normal = np.random.default_rng(1).standard_normal(400_000)
    assert worst_mean(normal, 0.9) == pytest.approx(-1.7550, abs=0.01)  # −φ(Φ⁻¹(0.1))/0.1
    with pytest.raises(RangeError):
        worst_mean(values, 1.0)


def test_equal_total_dose_is_compared_on_equal_draws_and_the_front_rises():
    params = drawn(200)
    state = begin(params)
    found = search(Setting(), state, params, every(4, (0.0, 1.0, 2.0, 3.0)))
    best = front(found)
    assert np.all(np.diff(best.total_Gy) > 0)
    usual_row = int(np.flatnonzero((found.fraction_Gy == 2.0).all(axis=1))[0])
    at_40 = dict(zip(best.total_Gy, best.rows))[40.0]
    assert worst_mean(found.progression_d[at_40]) >= worst_mean(found.progression_d[usual_row])
    rising = efficient(best)
    assert np.all(np.diff(rising.worst_d) > 0)
    assert schedule_of(found, usual_row) == usual(4)
    bounded = front(found, most_BED_Gy=80.0)
    assert found.brain_BED_Gy[list(bounded.rows)].max() <= 80.0


def test_the_goal_ranks_by_the_worst_fifth_within_dose_and_late_effect():
    rng = np.random.default_rng(2)
    sure, risky = rng.normal(100, 5, 400), np.where(np.arange(400) < 120, 20.0, 400.0)

    def values(days, total, late):
        return Forecast(
            "glioma", 0.0, 0.0, (), {"progression_d": days, "total_dose_Gy": np.full(400, total), "brain_BED_Gy": np.full(400, late)}
        )

    told = decision.decide(
        {"sure": values(sure, 60.0, 120.0), "risky": values(risky, 60.0, 120.0), "more": values(sure + 50, 70.0, 150.0)}, goal()
    )
    assert [o.name for o in told.options] == ["sure", "risky", "more"]
    assert told.options[0].utility == pytest.approx(worst_mean(sure))
    assert utility({"progression_d": risky}).mean() == pytest.approx(20.0)


def test_the_model_is_had_by_its_name():
    model = glioma.model()
    assert model.name == "glioma"
    assert twin.new(model, 0.0, 1).t_s == 0.0
