"""Scenarios within a memory budget: limiting regions are thinned evenly, targets never, and the result says so."""

import numpy as np
import pytest
from scipy import sparse

from gemel.engines.optimise import Limit, Search, SquaredDeviation, SquaredOverdose, plan
from gemel.engines.optimise.columns import columns_of
from gemel.engines.optimise.setup import Measure, build
from gemel.engines.optimise.stacking import evenly, sampled, stack_of

N = 12_000
TARGET, BODY, SMALL = np.arange(5000, 5400), np.r_[0:5000, 5400:N], np.arange(1000, 1300)
GOALS = [SquaredDeviation(TARGET, 26.0, 100.0), SquaredOverdose(BODY, 5.0, 10.0), SquaredOverdose(SMALL, 3.0, 10.0)]


def scenario(shift_mm):
    x, centre = np.arange(N) / 100.0, np.linspace(0, 120, 40)
    dose = np.exp(-0.5 * ((x[:, None] - centre - shift_mm) / 5.0) ** 2)
    return sparse.csc_array(np.where(dose > 1e-3, dose, 0.0).astype(np.float32))


@pytest.fixture(scope="module")
def matrices():
    return [scenario(shift) for shift in (0.0, -2.0, 2.0, 1.0)]


def test_budget_is_kept_by_thinning_what_only_limits(matrices):
    whole = build(matrices[0], GOALS, matrices)
    budget = 0.4 * whole.rows.nbytes
    thin = build(matrices[0], GOALS, iter(matrices), Measure(1.0, budget))
    assert whole.sampled == 1.0
    assert thin.sampled == 0.25
    assert thin.rows.nbytes <= budget
    begin = 0
    for end in thin.ends:
        kept = thin.rows.voxel[begin:end]
        assert np.isin(TARGET, kept).all()
        assert np.isin(SMALL, kept).all()  # a region of few voxels is not thinned
        reached = np.isin(whole.rows.voxel[: whole.ends[0]], np.setdiff1d(BODY, SMALL)).sum()
        assert np.isin(kept, np.setdiff1d(BODY, SMALL)).sum() == pytest.approx(0.25 * reached, rel=0.02)
        begin = end


def test_a_thinned_plan_is_nearly_the_plan_and_says_so(matrices):
    search = Search(decrease=1e-5, cosine=1e-3)
    whole = plan(matrices[0], GOALS, scenarios=matrices, search=search)
    few = Search(decrease=1e-5, cosine=1e-3, memory_GB=0.4e-9 * build(matrices[0], GOALS, matrices).rows.nbytes)
    thin = plan(matrices[0], GOALS, scenarios=iter(matrices), search=few)
    assert (whole.sampled, thin.sampled) == (1.0, 0.25)
    assert "limiting regions judged on 0.25 of their voxels" in thin.status
    assert "limiting" not in whole.status
    again = plan(matrices[0], GOALS, scenarios=matrices, start=thin.weights, search=Search(max_iterations=0))
    assert again.value == pytest.approx(whole.value, rel=0.01)  # on all voxels
    assert thin.value == pytest.approx(whole.value, rel=0.02)  # and what it says of itself


def test_rows_of_limits_and_targets_are_kept_whatever_the_budget(matrices):
    limit = Limit(SquaredOverdose(BODY, 30.0))
    problem = build(matrices[0], [*GOALS, limit], matrices, Measure(1.0, 1.0))
    assert np.isin(BODY, problem.rows.voxel[: problem.ends[0]]).all()


def test_order_of_arrival_does_not_matter(matrices):
    """The same rows, whether the budget was exceeded by the second scenario or by the last."""
    budget = 0.4 * build(matrices[0], GOALS, matrices).rows.nbytes
    one, other = (stack_of([columns_of(m, "m") for m in order], GOALS, [], budget) for order in (matrices, matrices[::-1]))
    assert one.share == other.share
    np.testing.assert_array_equal(one.rows.voxel[: one.ends[0]], other.rows.voxel[other.ends[2] : other.ends[3]])
    np.testing.assert_array_equal(one.rows.value[: one.rows.start[one.ends[0]]], other.rows.value[other.rows.start[other.ends[2]] :])


def test_even_means_even_and_nested():
    """Every stretch of rows keeps its share to within two, also every line of 60 voxels; a smaller share lies within a larger one."""
    rows = np.arange(60 * 400)
    half, eighth = evenly(rows, 0.5), evenly(rows, 0.125)
    assert (half[eighth]).all()
    for share, kept in ((0.5, half), (0.125, eighth)):
        lines = kept.reshape(400, 60).sum(axis=1)
        assert np.abs(lines - 60 * share).max() <= 2
        planes = kept.reshape(400, 60).mean(axis=0)
        assert np.abs(planes - share).max() < 0.02


def test_what_asks_for_dose_is_never_thinned():
    assert sampled(SquaredDeviation(np.arange(10**5), 26.0), 0.01).voxels.size == 10**5
    assert sampled(SquaredOverdose(np.arange(10**5), 26.0), 0.25).voxels.size == pytest.approx(25_000, abs=2)
    assert sampled(SquaredOverdose(np.arange(10**4), 26.0), 0.01).voxels.size == pytest.approx(2000, abs=2)
