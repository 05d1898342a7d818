"""The whole objective: its gradient in the weights, with robust and nominal parts and each measure over scenarios."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from gemel.engines.optimise import Limit, MaxDVH, MaxEUD, MinEUD, SquaredDeviation, SquaredOverdose, SquaredUnderdose, value_and_gradient
from gemel.engines.optimise.problem import curvature, evaluate
from gemel.engines.optimise.setup import Measure, build

OBJECTIVES = [
    SquaredDeviation(np.arange(10, 25), 6.0, 3.0),
    SquaredOverdose(np.arange(20), 4.0, robust=False),
    MaxEUD(np.arange(30, 40), 1.0, 4.0),
    MinEUD(np.arange(10, 25), 9.0, 4.0),
    SquaredUnderdose(np.arange(12, 30), 8.0),
    MaxDVH(np.arange(28, 40), 2.0, 0.3, robust=False),
    Limit(SquaredOverdose(np.arange(5, 15), 3.0)),
]


@pytest.fixture
def matrices():
    rng = np.random.default_rng(0)
    return [sparse.csc_array((0.1 + 0.9 * rng.random((40, 6))).astype(np.float32)) for _ in range(3)]


def pressed(problem):
    """The limits with a weight and a shift, as in the course of a search."""
    return replace(problem, held=tuple(replace(one, weight=2.0, shift_Gy=0.5) for one in problem.held))


@pytest.mark.parametrize("tail, temperature", [(1.0, 0.0), (0.0, 5.0), (0.5, 5.0)])
def test_gradient_in_the_weights_agrees_with_finite_differences(matrices, tail, temperature):
    scenarios = [(m, p) for m, p in zip(matrices, (0.5, 0.3, 0.2))]
    problem = pressed(build(matrices[0], OBJECTIVES, scenarios, Measure(tail)))
    weights = np.linspace(2.0, 5.0, 6)
    _, gradient, _ = evaluate(problem, weights, temperature=temperature)
    up, down = ([evaluate(problem, weights + s * e, temperature=temperature)[0] for e in np.eye(6)] for s in (1e-5, -1e-5))
    np.testing.assert_allclose(gradient, (np.array(up) - np.array(down)) / 2e-5, rtol=1e-6)


def test_value_is_the_sum_of_the_objectives_on_their_matrices(matrices):
    """Many objectives a voxel, judged by voxel and by region: as when each is judged on the full dose of its own matrix."""
    soft = OBJECTIVES[:-1]
    problem = build(matrices[0], soft, [(m, p) for m, p in zip(matrices, (0.5, 0.3, 0.2))], Measure(1.0))
    weights = np.linspace(2.0, 5.0, 6)
    doses = [m @ weights for m in matrices]
    by_scenario = [sum(value_and_gradient(o, dose)[0] for o in soft if o.robust) for dose in doses]
    nominal = sum(value_and_gradient(o, doses[0])[0] for o in soft if not o.robust)
    value, _, penalties = evaluate(problem, weights)
    np.testing.assert_allclose(penalties, by_scenario, rtol=5e-5)
    assert value == pytest.approx(np.dot((0.5, 0.3, 0.2), by_scenario) + nominal, rel=5e-5)


def test_curvature_is_the_diagonal_of_the_hessian_of_squares(matrices):
    problem = build(matrices[0], OBJECTIVES[:1], None)
    rows = matrices[0].toarray()[10:25]
    np.testing.assert_allclose(curvature(problem), 2 * 3.0 / 15 * (rows**2).sum(axis=0), rtol=1e-4)


def test_only_judged_rows_are_held(matrices):
    problem = build(matrices[0], OBJECTIVES[:1], matrices)
    assert problem.ends == (15, 30, 45)


def test_rows_that_no_spot_reaches_are_not_held_where_they_only_limit():
    values = np.zeros((6, 2), np.float32)
    values[:3] = 1.0
    goals = [SquaredDeviation(np.array([0]), 1.0), SquaredOverdose(np.arange(1, 6), 0.5)]
    problem = build(sparse.csc_array(values), goals, None)
    np.testing.assert_array_equal(problem.rows.voxel, [0, 1, 2])
    assert evaluate(problem, np.ones(2))[0] == pytest.approx(1.0 + 2 * 1.5**2 / 5)  # the mean is over all five
