"""Growth and treatment of the averaged tumour against closed forms and a fine numerical solution; nothing depends on output times."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gemel.core.errors import InputError
from gemel.core.record import Action
from gemel.core.time import DAY_S
from gemel.systems.glioma.course import HORIZON_d, advance, begin, progression_d, states, visible_mL
from gemel.systems.glioma.events import DRUG, FRACTION, RESECTION, WEEK, Setting, unfolded
from gemel.systems.glioma.growth import DRUG_1_d, Law, grown

RHO, K, ALPHA, KILL = np.array([0.02, 0.05, 0.2]), np.array([150.0, 200.0, 90.0]), np.array([0.03, 0.05, 0.08]), np.array([0.01, 0.2, 0.05])
PARAMS = {"rho_1_d": RHO, "capacity_mL": K, "alpha_1_Gy": ALPHA, "drug_kill_1": KILL, "burden_mL": np.array([10.0, 20.0, 85.0])} | {
    "clearance_1_d": np.array([0.01, 0.03, 0.1])
}
LONG = Setting()


def logistic(n, days):
    return K * n * np.exp(RHO * days) / (K + n * (np.exp(RHO * days) - 1))


def gray(d):
    return np.exp(-ALPHA * d * (1 + d / 10.0))


def test_thirty_fractions_are_the_composition_of_closed_forms():
    actions = tuple(Action(WEEK, (3 + 7 * n) * DAY_S, 10.0, "Gy") for n in range(6))
    found = states(LONG, PARAMS, actions, 0.0, (100 * DAY_S,))[0]["burden_mL"]
    expected, at = PARAMS["burden_mL"], 0.0
    for n in range(6):
        for day in range(5):
            expected, at = logistic(expected, 3 + 7 * n + day - at) * gray(2.0), 3 + 7 * n + day
    np.testing.assert_allclose(found, logistic(expected, 100 - at), rtol=1e-10)


def test_survival_of_thirty_fractions_is_that_of_a_BED_of_72_Gy():
    still = PARAMS | {"rho_1_d": np.full(3, 1e-12)}
    found = states(LONG, still, tuple(Action(WEEK, 7 * n * DAY_S, 10.0, "Gy") for n in range(6)), 0.0, (60 * DAY_S,))[0]
    np.testing.assert_allclose(found["burden_mL"] / PARAMS["burden_mL"], np.exp(-72.0 * ALPHA), rtol=1e-9)
    assert found["dose_Gy"][0] == 60.0
    np.testing.assert_allclose(found["brain_BED_Gy"], 120.0)


@pytest.mark.parametrize("days", [0.01, 0.5, 3.0, 700.0])
def test_a_decaying_drug_is_integrated_exactly(days):
    drug = np.array([0.1, 0.4, 0.9])
    burden, left = grown(PARAMS["burden_mL"], drug, Law(RHO, K), days)

    def slope(t, n):
        return RHO * n * (1 - n / K) - drug * DRUG_1_d * np.exp(-DRUG_1_d * t) * n

    fine = solve_ivp(slope, (0, days), PARAMS["burden_mL"], rtol=1e-12, atol=1e-12, method="DOP853").y[:, -1]
    np.testing.assert_allclose(burden, fine, rtol=2e-10)
    np.testing.assert_allclose(left, drug * np.exp(-DRUG_1_d * days), rtol=1e-12, atol=1e-300)


def test_small_tumours_obey_the_sum_of_kernels_over_doses():
    """N = N0 exp(ρt − Σ A (1 − e^(−b(t − t_j)))), whatever the step."""
    small = PARAMS | {"burden_mL": np.full(3, 1e-9)}
    doses = tuple(Action(DRUG, t * DAY_S, a, "1") for t, a in ((0.0, 1.0), (1.0, 2.0), (1.3, 0.5), (2.9, 1.0)))
    found = states(LONG, small, doses, 0.0, (3.0 * DAY_S,))[0]["burden_mL"]
    exponent = RHO * 3.0 - KILL * sum(a.amount * -np.expm1(-DRUG_1_d * (3.0 - a.t_s / DAY_S)) for a in doses)
    np.testing.assert_allclose(found, 1e-9 * np.exp(exponent), rtol=1e-10)


def test_one_fraction_at_any_time_of_day_whatever_is_asked_for():
    actions = (Action(FRACTION, 10.37 * DAY_S, 2.0, "Gy"),)
    once = states(LONG, PARAMS, actions, 0.0, (30 * DAY_S,))[-1]["burden_mL"]
    often = states(LONG, PARAMS, actions, 0.0, tuple(np.linspace(0.1, 30, 300) * DAY_S))[-1]["burden_mL"]
    np.testing.assert_allclose(often, once, rtol=1e-12)
    np.testing.assert_allclose(once, logistic(logistic(PARAMS["burden_mL"], 10.37) * gray(2.0), 30 - 10.37), rtol=1e-12)


def test_killed_cells_are_seen_until_they_are_cleared():
    """Visible = living + Σ killed·e^(−λt), of fractions, the drug and both at once; it does not jump, and a resection takes of both."""
    actions = (Action(FRACTION, 10 * DAY_S, 2.0, "Gy"), Action(DRUG, 10 * DAY_S, 1.0, "1"), Action(RESECTION, 20 * DAY_S, 0.5, "1"))
    at = [visible_mL(s) for s in states(LONG, PARAMS, actions, 0.0, (10 * DAY_S, 10 * DAY_S + 1e-3, 20 * DAY_S, 20 * DAY_S + 1e-3))]
    np.testing.assert_allclose(at[1], at[0], rtol=1e-6)
    np.testing.assert_allclose(at[3], at[2] / 2, rtol=1e-6)
    whole = logistic(PARAMS["burden_mL"], 10.0)
    killed = whole * (1 - gray(2.0) * np.exp(-KILL))
    living = states(LONG, PARAMS, actions, 0.0, (20 * DAY_S,))[0]["burden_mL"]
    np.testing.assert_allclose(at[2], living + killed * np.exp(-10 * PARAMS["clearance_1_d"]), rtol=1e-10)


def test_a_state_is_that_just_before_what_is_given_at_its_time():
    actions = (Action(RESECTION, 5 * DAY_S, 0.9, "1"),)
    before, after = states(LONG, PARAMS, actions, 0.0, (5 * DAY_S, 5 * DAY_S + 1.0))
    np.testing.assert_allclose(after["burden_mL"] / before["burden_mL"], 0.1, rtol=1e-5)


def test_progression_is_when_the_burden_is_forty_per_cent_above_that_at_the_first_fraction():
    actions = tuple(Action(WEEK, (14 + 7 * n) * DAY_S, 10.0, "Gy") for n in range(6))
    events, setting = unfolded(LONG, actions, 0.0), LONG
    found = progression_d(begin(PARAMS), PARAMS, events)
    assert (found < HORIZON_d).sum() == 2  # the third cannot grow so far: its capacity is below
    for i in range(2):
        there = states(setting, PARAMS, actions, 0.0, (14 * DAY_S, (14 + found[i]) * DAY_S))
        assert there[1]["burden_mL"][i] / there[0]["burden_mL"][i] == pytest.approx(1.4, rel=1e-9)
    midway = advance(begin(PARAMS), PARAMS, events, 30 * DAY_S)
    np.testing.assert_allclose(progression_d(midway, PARAMS, events), found, rtol=1e-10)


def test_progression_under_way_is_found_between_fractions():
    """A fast, resistant tumour progresses in the course."""
    fast = {
        k: np.array([v])
        for k, v in (
            ("rho_1_d", 0.2),
            ("capacity_mL", 400.0),
            ("alpha_1_Gy", 0.01),
            ("drug_kill_1", 0.0),
            ("clearance_1_d", 0.03),
            ("burden_mL", 10.0),
        )
    }
    actions = tuple(Action(WEEK, 7 * n * DAY_S, 10.0, "Gy") for n in range(6))
    found = progression_d(begin(fast), fast, unfolded(LONG, actions, 0.0))[0]
    assert 0 < found < 7
    assert states(LONG, fast, actions, 0.0, (found * DAY_S,))[0]["burden_mL"][0] == pytest.approx(14.0, rel=1e-9)


@pytest.mark.parametrize("action", [("laser", 1.0), (WEEK, -1.0), (WEEK, np.nan), (FRACTION, 21.0), (RESECTION, 1.0), (DRUG, np.inf)])
def test_what_cannot_be_given_is_refused(action):
    kind, amount = action
    with pytest.raises(InputError) as told:
        unfolded(LONG, (Action(kind, 0.0, amount, ""),), 0.0)
    assert told.value.remedy
