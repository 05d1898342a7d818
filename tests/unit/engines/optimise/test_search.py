"""The search in stages and on part of the rows ends where the plain one does; time limits; warm starts."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from gemel.core.errors import RangeError
from gemel.engines.optimise import Limit, MeanDose, Search, SquaredDeviation, SquaredOverdose, plan, reducing, search
from gemel.engines.optimise.problem import dose_Gy, evaluate
from gemel.engines.optimise.reducing import coarse, shrunk
from gemel.engines.optimise.setup import build

N = 6000
TARGET, NEAR, BODY = np.arange(2400, 3600), np.arange(1800, 2400), np.r_[0:2400, 3600:N]
GOALS = [SquaredDeviation(TARGET, 26.0, 100.0), SquaredOverdose(BODY, 5.0, 20.0), SquaredOverdose(NEAR, 3.0, 20.0)]
FINE = Search(decrease=1e-6, cosine=1e-4, max_iterations=3000)


def matrix(shift_mm=0.0, spots=80):
    """Spots that enter at the left and stop at a range of their own, on 6000 voxels of 0.02 mm."""
    x, end = np.arange(N)[:, None] / 50.0, np.linspace(30, 90, spots) + shift_mm
    dose = np.where(x < end, 0.3 + 0.7 * np.exp(-(end - x) / 4.0), np.exp(-0.5 * ((x - end) / 2.0) ** 2))
    return sparse.csc_array(np.where(dose > 1e-3, dose, 0).astype(np.float32))


@pytest.fixture(scope="module")
def influence():
    return matrix()


@pytest.fixture
def in_small_steps(monkeypatch):
    """Stages and the first search on part of the rows, which a problem of this size would not have."""
    monkeypatch.setattr(search, "WORTH", 0)
    monkeypatch.setattr(search, "FIRST_STAGE", 10)
    monkeypatch.setattr(reducing, "MARGIN_Gy", 0.2)


@pytest.mark.parametrize("scenarios", [1, 3])
def test_the_minimum_is_that_of_the_plain_search(influence, in_small_steps, monkeypatch, scenarios):
    errors = None if scenarios == 1 else [influence, matrix(1.0), matrix(-1.0)]
    quick = plan(influence, GOALS, scenarios=errors, search=FINE)
    assert coarse(build(influence, GOALS, errors)) is not None
    monkeypatch.setattr(search, "WORTH", 10**9)
    plain = plan(influence, GOALS, scenarios=errors, search=FINE)
    assert quick.converged, quick.status
    assert quick.value == pytest.approx(plain.value, rel=2e-3)


def test_limits_are_held_by_the_search_in_stages(influence, in_small_steps):
    result = plan(influence, [*GOALS, Limit(SquaredOverdose(NEAR, 14.0), 0.05)], search=FINE)
    assert (influence @ result.weights)[NEAR].max() <= 14.06
    assert not result.status.startswith("infeasible")


def test_what_is_left_out_does_not_count(influence):
    """Spots at zero and rows far below their dose: the smaller problem has the same value and the same gradient."""
    problem = build(influence, [*GOALS, MeanDose(BODY, 3.0)], None)
    weights = np.where(np.arange(80) % 3 == 0, 2.0, 0.0)
    spots = np.flatnonzero(weights)
    small = shrunk(replace(problem, regional=()), weights, spots)
    value, gradient, _ = evaluate(replace(problem, regional=()), weights)
    less, slope, _ = evaluate(small, weights[spots])
    assert small.rows.n_rows < 0.9 * problem.rows.n_rows
    assert less == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(slope, gradient[spots], rtol=1e-10)
    assert shrunk(problem, weights, spots).rows.n_rows == problem.rows.n_rows  # a region judged as a whole keeps its rows


def test_part_of_the_rows_stands_for_all(influence):
    problem = build(influence, GOALS, None)
    part, weights = coarse(problem), np.linspace(0, 3, 80)
    assert part is not None
    assert part.rows.n_rows < 0.5 * problem.rows.n_rows
    assert np.isin(TARGET, part.rows.voxel).all()
    assert evaluate(part, weights)[0] == pytest.approx(evaluate(problem, weights)[0], rel=0.01)
    held = build(influence, [*GOALS, Limit(SquaredOverdose(BODY, 20.0)), MeanDose(NEAR, 1.0)], None)
    assert coarse(held) is None  # rows of limits and of regions judged as a whole all stay
    assert dose_Gy(part, weights).size == part.rows.n_rows


def test_progress_is_not_told_values_of_part_of_the_rows(influence, in_small_steps):
    seen = []
    result = plan(influence, GOALS, search=replace(FINE, progress=lambda iteration, value: seen.append((iteration, value))))
    values = np.array([value for _, value in seen])
    assert [iteration for iteration, _ in seen] == list(range(1, result.iterations + 1))
    assert np.isnan(values[0])
    first = int(np.flatnonzero(np.isfinite(values))[0])
    assert np.isfinite(values[first:]).all()
    assert values[-1] == pytest.approx(result.value, rel=1e-6)


def test_the_cap_holds_over_all_stages(influence, in_small_steps):
    result = plan(influence, GOALS, search=Search(decrease=1e-12, cosine=1e-12, max_iterations=47))
    assert result.iterations == 47
    assert "cap of 47" in result.status


@pytest.mark.parametrize("worth", [0, 10**9])
def test_time_is_up(influence, monkeypatch, worth):
    """A clock of one second a look: the search ends with the plan of then, says so, and a later one would have been better."""
    monkeypatch.setattr(search, "WORTH", worth)

    def ticking():
        now = iter(range(10**6))
        return lambda: next(now)

    values = []
    for seconds in (5.0, 25.0):
        result = plan(influence, GOALS, search=replace(FINE, seconds=seconds, clock=ticking()))
        assert f"limit of {seconds:g} s" in result.status
        assert not result.converged
        assert 0 < result.iterations <= seconds
        values.append(result.value)
    assert values[1] < values[0]


def test_seconds_need_a_clock():
    with pytest.raises(RangeError, match="without a clock"):
        Search(seconds=3.0)


@pytest.mark.parametrize("change", [{"memory_GB": -1.0}, {"min_weight": -1.0}, {"min_weight": np.inf}, {"seconds": -1.0, "clock": float}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(RangeError):
        Search(**change)


def test_warm_start_on_a_slightly_changed_matrix_takes_fewer_iterations(influence):
    """Yesterday's plan on today's anatomy, 0.2 mm deeper: the cold start's value in at most a quarter of its iterations."""
    today, yesterday = matrix(0.2), plan(influence, GOALS, search=FINE)
    cold = plan(today, GOALS, search=Search(decrease=1e-5, cosine=1e-3))
    seen = []
    look = Search(decrease=1e-6, cosine=1e-4, progress=lambda iteration, value: seen.append(value))
    plan(today, GOALS, start=yesterday.weights, search=look)
    assert int(np.flatnonzero(np.array(seen) <= cold.value)[0]) + 1 <= 0.25 * cold.iterations
