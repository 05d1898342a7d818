"""Laws of implicit steps: what explicit ones give, any length, exact balance, orders, dates, and nothing below zero by Euler's."""

import numba
import numpy as np
import pytest
from numba import njit

from gemel.engines import pde
from gemel.engines.pde.implicit import solve_implicit

PLACE = np.indices((18, 18, 18)) - 8.5
MASK = (PLACE**2).sum(axis=0) < 8.2**2
TISSUES = np.where(PLACE[0] > 0, 0.5, 0.1)
BUMP = np.exp(-((PLACE + 2) ** 2).sum(axis=0) / 20) * MASK
SPACING = (1.0, 0.8, 1.3)


def test_what_explicit_steps_give() -> None:
    """Growth, two tissues, a dose, an exposure: 3e-4 of the most at steps of half a day, thrice as near as at one."""
    events = [pde.Event(5.3, 0.6), pde.Exposure((3.0, 9.0), (1.0, 1.0), 2.0, 0.3)]
    wanted = pde.solve(BUMP, MASK, SPACING, TISSUES, pde.logistic(0.1), [10.0, 16.0], events, 0.05)
    errors = [
        np.abs(solve_implicit(BUMP, MASK, SPACING, TISSUES, pde.logistic(0.1), [10.0, 16.0], events, dt) - wanted).max()
        for dt in (1.0, 0.5)
    ]
    assert errors[1] < 3e-4 * wanted.max()
    assert errors[1] < 0.35 * errors[0]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_hundred_times_the_stable_step(order: int, dtype: type) -> None:
    """Nothing is made or lost in a hundred such steps (1e-6 of float32, 1e-12 of float64), and all comes to rest, even."""
    dt = 100 * pde.stable_step(MASK, SPACING, TISSUES)
    found = solve_implicit(BUMP.astype(dtype), MASK, SPACING, TISSUES, None, [0.0, dt, 100 * dt], dt_days=dt, order=order)
    amount = found.sum(axis=(1, 2, 3), dtype=np.float64)
    assert found.dtype == dtype
    np.testing.assert_allclose(amount, amount[0], rtol=1e-6 if dtype == np.float32 else 1e-12)
    assert found[2][MASK].std() < 1e-5 * found[2][MASK].mean()
    assert found[1].max() <= found[0].max()
    assert not found[2][~MASK].any()


def test_euler_backward_stays_between_what_was_there() -> None:
    """The maximum principle, from a front as steep as can be, at any step."""
    start = (PLACE[0] > 0) * MASK * 1.0
    found = solve_implicit(start, MASK, 1.0, 0.5, None, [0.3, 3.0, 300.0], dt_days=30.0, order=1)
    assert found.min() >= -1e-9
    assert found.max() <= 1.0 + 1e-9


@pytest.mark.parametrize("order", [1, 2])
def test_order_in_time(order: int) -> None:
    """cos(πx) between walls decays by the semi-discrete rate (2/h²)(1 − cos πh): the error of steps alone."""
    n = 32
    x = (np.arange(n) + 0.5)[:, None, None] / n
    start, rate = 1.0 + np.cos(np.pi * x), 2 * n**2 * (1 - np.cos(np.pi / n))
    exact, errors = 1.0 + np.cos(np.pi * x) * np.exp(-rate * 0.2), []
    for steps in (8, 16):
        found = solve_implicit(start, np.ones((n, 1, 1)), 1.0 / n, 1.0, None, [0.2], dt_days=0.2 / steps, order=order, tolerance=1e-12)
        errors.append(float(np.abs(found[0] - exact).max()))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


def test_growth_in_closed_form_at_any_step() -> None:
    """Verhulst's and Gompertz's curves with a dose between: exact, for steps of days."""
    start, mask, t = np.full((3, 3, 3), 0.1), np.ones((3, 3, 3)), np.array([20.0])
    grown = np.exp(0.2 * 20.0)
    found = solve_implicit(start, mask, 1.0, 0.3, pde.logistic(0.2, 0.8), t, dt_days=10.0)
    assert found == pytest.approx(0.1 * grown / (1 + 0.125 * (grown - 1)), rel=1e-8)
    late = 0.8 * np.exp(np.log(0.5 * 0.8 * np.exp(np.log(0.1 / 0.8) * np.exp(-0.5)) / 0.8) * np.exp(-1.5))
    found = solve_implicit(start, mask, 1.0, 0.3, pde.gompertz(0.1, 0.8), t, [pde.Event(5.0, 0.5)], 10.0)
    assert found == pytest.approx(late, rel=1e-8)


def test_a_reaction_handed_in_of_two_species() -> None:
    """Two that turn into each other, one that stays: as explicit steps give, and their sum exact."""

    @njit
    def turn(u, p, f, du):  # type: ignore[no-untyped-def]
        du[0] = p[1] * u[1] - p[0] * u[0]
        du[1] = -du[0]

    start, rate = np.stack([BUMP, 0 * BUMP]), np.where(PLACE[0] > -3, 0.3, 0.1)
    reaction = pde.Reaction(turn, (rate, 0.1), lambda most: 0.4, species=2)
    each = [
        solver(start, MASK, 1.0, np.array([0.2, 0.0]), reaction, [5.0], dt_days=dt)[0]
        for solver, dt in ((pde.solve, 0.05), (solve_implicit, 0.25))
    ]
    np.testing.assert_allclose(each[1], each[0], atol=2e-4)
    assert each[1].sum() == pytest.approx(start.sum(), rel=1e-10)


def test_the_number_of_threads_changes_nothing() -> None:
    before, found = numba.get_num_threads(), []
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        found.append(solve_implicit(BUMP, MASK, 1.0, TISSUES, pde.logistic(0.1), [4.0]))
    numba.set_num_threads(before)
    np.testing.assert_array_equal(found[0], found[1])
