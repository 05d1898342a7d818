"""Hard limits: held to their tolerance at the cost of the objectives, optimal there, and named with their excess when they cannot be."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize

from gemel.core.errors import InputError, RangeError
from gemel.engines.optimise import (
    Limit,
    MaxDVH,
    MaxEUD,
    MeanDose,
    MinDVH,
    MinEUD,
    Search,
    SquaredDeviation,
    SquaredOverdose,
    SquaredUnderdose,
    holding,
    plan,
)
from gemel.engines.optimise.search import in_rounds, trail_of
from gemel.engines.optimise.setup import build
from gemel.engines.optimise.solver import non_negative

TARGET, LEFT, RIGHT = np.arange(40, 81), np.arange(0, 40), np.arange(81, 120)
OBJECTIVES = [SquaredDeviation(TARGET, 26.0, 100.0), SquaredOverdose(np.concatenate([LEFT, RIGHT]), 5.0, 10.0)]
CLOSE = Search(decrease=1e-6, cosine=1e-4, max_iterations=3000)


def line_of_spots(shift_mm=0.0):
    x, centre = np.arange(120), np.linspace(0, 119, 30)
    dose = np.exp(-0.5 * ((x[:, None] - centre - shift_mm) / 6.0) ** 2) / 6.0
    return sparse.csc_array(np.where(dose > 1e-4, dose, 0.0).astype(np.float32))


@pytest.fixture(scope="module")
def influence():
    return line_of_spots()


def eud_Gy(dose, a):
    return (dose**a).mean() ** (1 / a)


@pytest.mark.parametrize(
    "objective, measured, limit",
    [
        (SquaredOverdose(LEFT, 10.0), lambda d: d[LEFT].max(), 10.0),
        (SquaredOverdose(TARGET, 26.4), lambda d: d[TARGET].max(), 26.4),
        (SquaredUnderdose(TARGET, 24.0), lambda d: -d[TARGET].min(), -24.0),
        (MeanDose(LEFT, limit_Gy=1.0), lambda d: d[LEFT].mean(), 1.0),
        (MaxDVH(LEFT, 4.0, 0.1), lambda d: np.sort(d[LEFT])[::-1][4], 4.0),
        (MinDVH(TARGET, 25.9, 0.9), lambda d: -np.sort(d[TARGET])[::-1][36], -25.9),
        (MaxEUD(LEFT, 6.0, 8.0), lambda d: eud_Gy(d[LEFT], 8.0), 6.0),
        (MinEUD(TARGET, 25.9, 10.0), lambda d: -eud_Gy(d[TARGET], -10.0), -25.9),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, SquaredOverdose | SquaredUnderdose | MaxDVH | MinDVH) else None,
)
def test_a_limit_is_held_and_would_not_be_without_it(influence, objective, measured, limit):
    free = plan(influence, OBJECTIVES, search=CLOSE)
    held = plan(influence, [*OBJECTIVES, Limit(objective, 0.02)], search=CLOSE)
    assert measured(influence @ free.weights) > limit + 0.1
    assert measured(influence @ held.weights) <= limit + 0.021
    assert held.status.startswith("converged")
    assert held.violations[0].binds
    assert held.violations[0].excess_Gy == pytest.approx(measured(influence @ held.weights) - limit, abs=2e-3)
    assert held.value >= free.value * (1 - 1e-4)


def test_the_constrained_optimum_is_that_of_sequential_quadratic_programming(influence):
    """Maxima in the left and in the target together, against SLSQP on the same problem."""
    dense, rest = influence.toarray().astype(float), np.concatenate([LEFT, RIGHT])

    def value(w):
        d = dense @ w
        return 100 * ((d[TARGET] - 26) ** 2).mean() + 10 * (np.maximum(d[rest] - 5, 0) ** 2).mean()

    def slope(w):
        d, row = dense @ w, np.zeros(120)
        row[TARGET] = 200 * (d[TARGET] - 26) / TARGET.size
        row[rest] = 20 * np.maximum(d[rest] - 5, 0) / rest.size
        return dense.T @ row

    unit, size = 50.0, 300.0  # of the variables and the value, so that SLSQP meets numbers near one
    limits = [
        {"type": "ineq", "fun": lambda u: 13.0 - dense[LEFT] @ u * unit, "jac": lambda u: -dense[LEFT] * unit},
        {"type": "ineq", "fun": lambda u: 26.4 - dense[TARGET] @ u * unit, "jac": lambda u: -dense[TARGET] * unit},
    ]
    free = plan(influence, OBJECTIVES, search=CLOSE)
    hard = [Limit(SquaredOverdose(LEFT, 13.0), 0.005), Limit(SquaredOverdose(TARGET, 26.4), 0.005)]
    mine = plan(influence, [*OBJECTIVES, *hard], search=CLOSE)
    best = minimize(
        lambda u: value(u * unit) / size, mine.weights / unit, jac=lambda u: slope(u * unit) * unit / size, bounds=[(0, None)] * 30,
        constraints=limits, method="SLSQP", options={"maxiter": 500, "ftol": 1e-7},
    )  # fmt: skip
    assert best.success
    assert value(mine.weights) > 1.02 * value(free.weights)
    assert value(mine.weights) == pytest.approx(best.fun * size, rel=5e-3)


def test_infeasible_limits_are_named_with_what_they_are_missed_by(influence):
    """At least 24 Gy everywhere cannot have a mean of 20 Gy; the two meet between, and the third is not concerned."""
    limits = [Limit(SquaredUnderdose(TARGET, 24.0)), Limit(MeanDose(TARGET, limit_Gy=20.0)), Limit(SquaredOverdose(RIGHT, 40.0))]
    result = plan(influence, [*OBJECTIVES, *limits], search=CLOSE)
    dose = influence @ result.weights
    low, mean, loose = result.violations
    assert not result.converged
    assert low.excess_Gy == pytest.approx(24.0 - dose[TARGET].min(), abs=2e-3)
    assert mean.excess_Gy == pytest.approx(dose[TARGET].mean() - 20.0, abs=2e-3)
    assert low.excess_Gy + mean.excess_Gy >= 4.0 - 2e-3
    assert result.status.startswith("infeasible: ")
    for one in (low, mean):
        assert not one.broken or f"{one.limit.name} is missed by {one.excess_Gy:.2g} Gy" in result.status
        assert one.binds
    assert (loose.broken, loose.binds) == (False, False)
    assert "dose_Gy 40" not in result.status


def test_a_robust_limit_is_held_in_every_scenario():
    scenarios = [line_of_spots(shift) for shift in (0, -3, 3)]
    limit = SquaredOverdose(LEFT, 14.0)
    search = Search(decrease=1e-6, cosine=1e-4, max_iterations=3000)
    one = [SquaredDeviation(TARGET, 26.0, 100.0), OBJECTIVES[1], Limit(limit, 0.05)]
    robust = plan(scenarios[0], one, scenarios=scenarios, robust="expected", search=search)
    nominal = plan(scenarios[0], one, search=search)
    assert max((m @ robust.weights)[LEFT].max() for m in scenarios) <= 14.06
    assert max((m @ nominal.weights)[LEFT].max() for m in scenarios) > 14.5
    assert robust.violations[0].scenario in (1, 2)


@pytest.mark.parametrize(
    "objective, tolerance, error",
    [
        (SquaredDeviation(TARGET, 26.0), 0.1, InputError),
        (MeanDose(LEFT), 0.1, InputError),
        (SquaredOverdose(LEFT, 10.0), 0.0, RangeError),
        (SquaredOverdose(LEFT, 10.0), np.nan, RangeError),
    ],
)
def test_what_is_no_limit_is_refused(objective, tolerance, error):
    with pytest.raises(error):
        Limit(objective, tolerance)


def test_limits_alone_are_no_plan(influence):
    with pytest.raises(InputError, match="no objectives"):
        plan(influence, [Limit(SquaredUnderdose(TARGET, 24.0))])


@pytest.mark.parametrize(
    "search, why",
    [(replace(CLOSE, max_iterations=3), "cap of 3"), (replace(CLOSE, seconds=1.0, clock=count(0.0, 0.4).__next__), "limit of 1 s")],
    ids=["cap", "time"],
)
@pytest.mark.parametrize("min_weight", [0.0, 1e-6])
def test_limits_of_a_search_that_was_stopped_are_not_called_infeasible(influence, search, why, min_weight):
    """The same limit is held when the search may go on."""
    goals = [*OBJECTIVES, Limit(SquaredOverdose(LEFT, 10.0), 0.02)]
    result = plan(influence, goals, search=replace(search, min_weight=min_weight))
    assert result.violations[0].broken
    assert result.status.startswith("limits not yet held: SquaredOverdose")
    assert why in result.status
    assert not result.converged
    assert not plan(influence, goals, search=CLOSE).violations[0].broken


def test_a_cap_between_two_rounds_is_a_cap(influence):
    """The last iteration ends a round that has converged, but more rounds were needed."""
    goals = [*OBJECTIVES, Limit(SquaredOverdose(LEFT, 10.0), 0.02)]
    problem, weights = build(influence, goals, None), np.full(30, 10.0)
    trail = trail_of(replace(problem, held=()), CLOSE)
    seen = []

    def one_round(problem, weights, trail, box, *, warm):
        seen.append(in_rounds(problem, weights, trail, box, warm=warm))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holding, "in_rounds", one_round)
        whole = holding.held_to(problem, weights, trail, non_negative(30))[1]
        first = seen[0]
        capped = holding.held_to(
            problem, weights, replace(trail, rule=replace(trail.rule, max_iterations=first.iterations)), non_negative(30)
        )[1]
    assert (first.ending, whole.ending) == ("converged", "converged")
    assert (capped.iterations, capped.ending) == (first.iterations, "cap")


def test_a_limit_judged_in_the_nominal_scenario_alone_has_no_number(influence):
    scenarios = [line_of_spots(shift) for shift in (-3, 0, 3)]
    limits = [Limit(SquaredOverdose(LEFT, 14.0, robust=False)), Limit(SquaredOverdose(RIGHT, 14.0))]
    found = plan(influence, [*OBJECTIVES, *limits], scenarios=scenarios, search=Search(max_iterations=5)).violations
    scenario = {violation.limit.objective.robust: violation.scenario for violation in found}
    assert scenario[False] == -1
    assert scenario[True] in range(3)
