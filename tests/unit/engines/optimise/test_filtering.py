"""Deliverable spots: each weight is 0 or at least the least weight, and what that cost is told."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from gemel.core.errors import RangeError
from gemel.engines.optimise import Limit, MeanDose, Search, SquaredDeviation, SquaredOverdose, SquaredUnderdose, plan

TARGET, LEFT, RIGHT = np.arange(40, 81), np.arange(0, 40), np.arange(81, 120)
OBJECTIVES = [SquaredDeviation(TARGET, 26.0, 100.0), SquaredOverdose(np.concatenate([LEFT, RIGHT]), 5.0, 10.0)]


@pytest.fixture(scope="module")
def influence():
    x, centre = np.arange(120), np.linspace(0, 119, 60)
    dose = np.exp(-0.5 * ((x[:, None] - centre) / 6.0) ** 2) / 6.0
    return sparse.csc_array(np.where(dose > 1e-4, dose, 0.0).astype(np.float32))


@pytest.mark.parametrize("least", [20.0, 60.0])
def test_every_weight_is_nothing_or_enough(influence, least):
    free = plan(influence, OBJECTIVES, search=Search(decrease=1e-5, cosine=1e-3))
    kept = plan(influence, OBJECTIVES, search=Search(decrease=1e-5, cosine=1e-3, min_weight=least))
    assert ((free.weights > 0) & (free.weights < least)).any()
    assert ((kept.weights == 0) | (kept.weights >= least)).all()
    assert kept.dropped == np.count_nonzero(free.weights) - np.count_nonzero(kept.weights) > 0
    assert f"{kept.dropped} spots below the least weight" in kept.status
    assert kept.price == pytest.approx(kept.value - free.value, abs=1e-6)


def test_optimising_again_is_better_than_cutting(influence):
    free = plan(influence, OBJECTIVES, search=Search(decrease=1e-5, cosine=1e-3))
    kept = plan(influence, OBJECTIVES, search=Search(decrease=1e-5, cosine=1e-3, min_weight=60.0))
    cut = np.where(free.weights >= 30.0, np.maximum(free.weights, 60.0), 0.0)
    value = plan(influence, OBJECTIVES, start=cut, search=Search(max_iterations=0)).value
    assert kept.value - free.value < 0.2 * (value - free.value)


def test_limits_and_scenarios_are_kept_to_as_well(influence):
    goals = [*OBJECTIVES, Limit(SquaredOverdose(LEFT, 14.0), 0.1)]
    search = Search(decrease=1e-5, cosine=1e-3, max_iterations=2000, min_weight=10.0)
    result = plan(influence, goals, scenarios=[influence, influence], robust="worst_case", search=search)
    assert ((result.weights == 0) | (result.weights >= 10.0)).all()
    assert (influence @ result.weights)[LEFT].max() <= 14.3


def test_limits_that_the_least_weight_breaks_are_not_called_infeasible(influence):
    goals = [*OBJECTIVES, Limit(SquaredOverdose(TARGET, 26.4), 0.02)]
    search = Search(decrease=1e-5, cosine=1e-3, max_iterations=3000)
    free, kept = (plan(influence, goals, search=replace(search, min_weight=least)) for least in (0.0, 150.0))
    assert not free.violations[0].broken
    assert kept.violations[0].broken
    assert kept.status.startswith("limits not held with the least weight: SquaredOverdose")
    assert not kept.converged


def test_limits_that_cannot_be_held_stay_infeasible_with_a_least_weight(influence):
    goals = [*OBJECTIVES, Limit(SquaredUnderdose(TARGET, 24.0)), Limit(MeanDose(TARGET, limit_Gy=20.0))]
    result = plan(influence, goals, search=Search(decrease=1e-5, cosine=1e-3, max_iterations=3000, min_weight=10.0))
    assert result.status.startswith("infeasible: ")


def test_a_least_weight_that_no_spot_reaches_is_refused(influence):
    with pytest.raises(RangeError, match=r"min_weight = 1e\+09 leaves no spot: the largest weight is .* lower min_weight, give more dose"):
        plan(influence, OBJECTIVES, search=Search(decrease=1e-5, cosine=1e-3, min_weight=1e9))
