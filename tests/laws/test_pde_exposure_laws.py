"""Doses and drugs in closed form."""

import numpy as np
import pytest

from gemel.engines import pde

ONES = np.ones((3, 3, 3))


@pytest.mark.parametrize("dt", [0.25, 1.0, 2.5])
@pytest.mark.parametrize("by_map", [False, True])
def test_a_drug_much_shorter_than_the_step(dt: float, by_map: bool) -> None:
    """N = N₀ exp[kt − Σ s aⱼ (1 − e^{−b(t − tⱼ)})/b], b = 9.24 /d, steps of up to 23/b; what is left of it is the error of growth."""
    k, b, s, dates, amounts = 0.05, 9.24, 0.5, (1.3, 2.0, 6.75), (1.0, 0.4, 2.0)
    drug = pde.Exposure(dates, amounts, b, s * ONES if by_map else s)
    times = np.array([1.3, 2.05, 4.0, 10.0])
    found = pde.solve(1e-9 * ONES, ONES, 1.0, 0.0, pde.exponential(k), times, [drug], dt)[:, 1, 1, 1]
    lost = [sum(s * a * -np.expm1(-b * (t - at)) / b for at, a in zip(dates, amounts) if t > at) for t in times]
    grown = np.exp(k * times) * (1 - times / dt * (k * dt) ** 4 / 24)
    assert found == pytest.approx(1e-9 * grown * np.exp(-np.array(lost)), rel=2e-7)
    assert lost[-1] == pytest.approx(0.5 * 3.4 / 9.24, rel=1e-9)


def test_a_drug_that_stays_and_one_that_kills_all() -> None:
    """Decay 0 is a constant loss; a loss of 200 leaves nothing, and nothing under zero."""
    stays = pde.Exposure((1.0,), (0.3,), 0.0, 0.2 * ONES)
    assert pde.solve(ONES, ONES, 1.0, 0.1, None, [6.0], [stays])[0] == pytest.approx(np.exp(-0.3 * 0.2 * 5.0), rel=1e-12)
    for loss in (400.0, 400.0 * ONES):
        left = pde.solve(ONES.astype(np.float32), ONES, 1.0, 0.1, None, [6.0], [pde.Exposure((1.0,), (1.0,), 2.0, loss)])[0]
        assert left.min() >= 0
        assert left.max() < 1e-25


def test_thirty_fractions_of_two_gray() -> None:
    """α 0.05, α/β 10: BED 72 Gy, S = e^{−3.6} = 0.0273 (Fowler 1989, Br J Radiol 62:679); at any time of day, with any steps."""
    for hour, dt in ((0.0, 1.6), (9.5, 0.7)):
        course = [pde.linear_quadratic(day + hour / 24, 2.0, 0.05, 0.005) for day in range(30)]
        found = pde.solve(ONES, ONES, 1.0, 0.1, None, [40.0], course, dt)
        assert found[0] == pytest.approx(np.exp(-3.6), rel=1e-12)
        assert found[0, 1, 1, 1] == pytest.approx(0.0273, abs=5e-5)


def test_growth_between_fractions_in_closed_form() -> None:
    """Logistic growth composed with survivals, to 1e-10: as Chaudhuri et al. 2023, Front Artif Intell 6:1222612."""
    k, full, course = 0.06, 0.8, [pde.linear_quadratic(7.0 * week + day + 0.4, 2.0, 0.04, 0.004) for week in range(3) for day in range(5)]
    u, now = 0.3, 0.0
    for t, survival in [*((e.t_days, float(e.survival)) for e in course), (30.0, 1.0)]:
        grown = np.exp(k * (t - now))
        u, now = survival * u * grown / (1 + u / full * (grown - 1)), t
    found = pde.solve(0.3 * ONES, ONES, 1.0, 0.1, pde.logistic(k, full), [30.0], course, 0.02)
    assert found[0] == pytest.approx(u, rel=1e-10)


def test_gompertz_in_closed_form() -> None:
    """u = K exp(ln(u₀/K) e^{−kt}), to 1e-8; nothing stays nothing."""
    start = np.linspace(0.0, 0.7, 27).reshape(3, 3, 3)
    found = pde.solve(start, ONES, 1.0, 0.0, pde.gompertz(0.1, 0.9), [15.0], dt_days=0.02)[0].ravel()
    assert found[0] == 0
    assert found[1:] == pytest.approx(0.9 * np.exp(np.log(start.ravel()[1:] / 0.9) * np.exp(-1.5)), rel=1e-8)
