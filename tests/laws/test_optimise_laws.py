"""What holds for any plan: units, symmetry, an independent optimum, and how robust plans relate to nominal ones."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize, nnls

from gemel.engines.optimise import Search, SquaredDeviation, SquaredOverdose, plan

EXACT = Search(decrease=1e-9, cosine=1e-6, max_iterations=1500)
TARGET, REST = np.arange(30, 60), np.r_[0:30, 60:90]
OBJECTIVES = [SquaredDeviation(TARGET, 26.0, 50.0), SquaredOverdose(REST, 4.0, 10.0)]


def spots(shift_mm=0.0, stretch=1.0):
    """Asymmetric falling spots: a slow rise, then a fall at a range of their own."""
    x, end = np.arange(90.0)[:, None], np.linspace(24, 66, 22) * stretch + shift_mm
    dose = np.where(x < end, 0.3 + 0.7 * np.exp(-(end - x) / 4.0), np.exp(-0.5 * ((x - end) / 2.0) ** 2))
    return sparse.csc_array(np.where(dose > 1e-3, dose, 0).astype(np.float32))


def penalty(matrix, weights):
    dose = matrix @ weights
    return 50 * ((dose[TARGET] - 26) ** 2).mean() + 10 * (np.maximum(dose[REST] - 4, 0) ** 2).mean()


SCENARIOS = [spots(), spots(2.0), spots(-2.0), spots(stretch=1.035), spots(stretch=0.965)]


def test_squared_deviation_alone_is_non_negative_least_squares():
    """The optimum against Lawson & Hanson's exact active-set solution."""
    matrix = spots()
    _, residual = nnls(matrix[TARGET].toarray().astype(float), np.full(TARGET.size, 26.0))
    result = plan(matrix, OBJECTIVES[:1], search=EXACT)
    assert result.value == pytest.approx(50 * residual**2 / TARGET.size, rel=1e-3)


def test_one_zero_error_scenario_is_the_nominal_plan():
    matrix = spots()
    nominal = plan(matrix, OBJECTIVES)
    for robust in ("expected", "worst_case", "cvar"):
        one = plan(matrix, OBJECTIVES, scenarios=[(matrix, 0.7)], robust=robust)
        np.testing.assert_array_equal(one.weights, nominal.weights)
        assert (one.value, one.iterations, one.status) == (nominal.value, nominal.iterations, nominal.status)


@pytest.mark.parametrize("factor", [1 / 64, 1000.0])
def test_rescaled_units_of_weight_change_nothing(factor):
    """Influence in other units of protons: weights in the same units, the same dose and value."""
    matrix = spots()
    one, other = plan(matrix, OBJECTIVES), plan(matrix * np.float32(factor), OBJECTIVES)
    assert other.value == pytest.approx(one.value, rel=2e-3)
    np.testing.assert_allclose(matrix @ (other.weights * factor), matrix @ one.weights, atol=0.15)


def test_a_larger_prescription_scales_the_plan():
    matrix = spots()
    double = [SquaredDeviation(TARGET, 52.0, 50.0), SquaredOverdose(REST, 8.0, 10.0)]
    one, two = plan(matrix, OBJECTIVES, search=EXACT), plan(matrix, double, search=EXACT)
    np.testing.assert_allclose(matrix @ two.weights, matrix @ (2 * one.weights), atol=0.05)
    assert two.value == pytest.approx(4 * one.value, rel=1e-3)


def test_order_of_spots_does_not_matter():
    matrix, order = spots(), np.random.default_rng(0).permutation(22)
    one, other = plan(matrix, OBJECTIVES, search=EXACT), plan(matrix[:, order], OBJECTIVES, search=EXACT)
    assert other.value == pytest.approx(one.value, rel=1e-4)
    np.testing.assert_allclose(matrix[:, order] @ other.weights, matrix @ one.weights, atol=0.05)


def test_plan_is_the_same_every_time():
    first, second = (plan(spots(), OBJECTIVES, scenarios=SCENARIOS) for _ in range(2))
    np.testing.assert_array_equal(first.weights, second.weights)


def test_each_robust_plan_is_the_best_by_its_own_measure():
    plans = {
        robust: plan(SCENARIOS[0], OBJECTIVES, scenarios=SCENARIOS, robust=robust, search=EXACT) for robust in ("expected", "worst_case")
    }
    plans["nominal"] = plan(SCENARIOS[0], OBJECTIVES, search=EXACT)
    values = {name: np.array([penalty(m, result.weights) for m in SCENARIOS]) for name, result in plans.items()}
    assert min(values, key=lambda name: values[name].max()) == "worst_case"
    assert min(values, key=lambda name: values[name].mean()) == "expected"
    assert min(values, key=lambda name: values[name][0]) == "nominal"
    assert values["nominal"].max() > 1.2 * values["worst_case"].max()
    assert plans["worst_case"].value == pytest.approx(values["worst_case"].max(), rel=1e-4)
    assert plans["expected"].value == pytest.approx(values["expected"].mean(), rel=1e-4)


def test_worst_case_is_near_the_exact_minimax():
    """Against the epigraph form, min t with f_s(w) ≤ t, solved by sequential quadratic programming."""
    dense = [m.toarray().astype(float) for m in SCENARIOS]

    def slope(matrix, weights):
        dose, row = matrix @ weights, np.zeros(90)
        row[TARGET] = 100 * (dose[TARGET] - 26) / TARGET.size
        row[REST] = 20 * np.maximum(dose[REST] - 4, 0) / REST.size
        return matrix.T @ row

    limits = [
        {"type": "ineq", "fun": lambda z, m=m: z[-1] - penalty(m, z[:-1]), "jac": lambda z, m=m: np.r_[-slope(m, z[:-1]), 1.0]}
        for m in dense
    ]
    mine = plan(SCENARIOS[0], OBJECTIVES, scenarios=SCENARIOS, robust="worst_case", search=EXACT)
    start = np.r_[mine.weights * 0 + mine.weights.mean(), 1e4]
    best = minimize(
        lambda z: z[-1], start, jac=lambda z: np.r_[np.zeros(22), 1.0], bounds=[(0, None)] * 23, constraints=limits, method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-8},
    )  # fmt: skip
    assert best.success
    assert best.fun * (1 - 1e-3) <= mine.value <= best.fun * 1.005


def test_cvar_lies_between_expected_and_worst_case():
    values = {}
    for tail in (0.2, 0.4, 1.0):
        search = Search(decrease=1e-9, cosine=1e-6, max_iterations=1500, tail_fraction=tail)
        values[tail] = plan(SCENARIOS[0], OBJECTIVES, scenarios=SCENARIOS, robust="cvar", search=search).value
    expected, worst = (
        plan(SCENARIOS[0], OBJECTIVES, scenarios=SCENARIOS, robust=r, search=EXACT).value for r in ("expected", "worst_case")
    )
    assert values[1.0] == pytest.approx(expected, rel=1e-6)
    assert expected < values[0.4] < values[0.2]
    assert values[0.2] == pytest.approx(worst, rel=0.02)  # five scenarios of equal probability: the worst fifth is the worst one
