"""Laws of reaction and diffusion on masked grids: mass, symmetry, orders of convergence, dates, units, threads."""

import numba
import numpy as np
import pytest
from numba import njit

from gemel.core.image import Array
from gemel.engines import pde


def ball(n: int, radius: float) -> Array:
    place = np.indices((n, n, n)) - (n - 1) / 2
    return np.asarray((place**2).sum(axis=0) < radius**2)


def bump(mask: Array, width2: float = 20.0) -> Array:
    place = np.indices(mask.shape) - np.array(mask.shape)[:, None, None, None] / 2.5
    return np.asarray(np.exp(-(place**2).sum(axis=0) / width2) * mask)


@pytest.mark.parametrize(("dtype", "drift"), [(np.float32, 1e-6), (np.float64, 1e-13)])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_nothing_is_made_at_curved_borders(dtype: type, drift: float, order: int) -> None:
    """A thousand steps in a ball of two tissues on voxels that are no cubes: TumorTwin's stencil makes 4 to 6 % here."""
    mask = ball(26, 11.3)
    diffusivity, spacing = np.where(np.indices(mask.shape)[0] > 12, 0.5, 0.1), (1.0, 0.8, 1.3)
    dt = 0.9 * pde.stable_step(mask, spacing, diffusivity)
    found = pde.solve(bump(mask).astype(dtype), mask, spacing, diffusivity, None, [0.0, 1000 * dt], dt_days=dt, order=order)
    amount = found.sum(axis=(1, 2, 3), dtype=np.float64)
    assert found.dtype == dtype
    assert abs(amount[1] / amount[0] - 1) < drift
    assert not found[1][~mask].any()


def test_what_is_even_stays_even() -> None:
    """Also in a mask with holes and a field of diffusivity: to the last bit."""
    rng = np.random.default_rng(1)
    mask = rng.random((12, 11, 10)) < 0.7
    found = pde.solve(mask * np.float32(0.3), mask, 1.0, rng.random(mask.shape), None, [100.0])
    np.testing.assert_array_equal(found[0], mask * np.float32(0.3))


def test_mirrored_and_turned_problems_have_mirrored_and_turned_answers() -> None:
    mask, spacing = ball(14, 6.2), np.array([1.0, 0.7, 1.4])
    start = bump(mask, 9.0)
    found = pde.solve(start, mask, spacing, 0.3, pde.logistic(0.1), [10.0])[0]
    mirrored = pde.solve(start[::-1].copy(), mask[::-1].copy(), spacing, 0.3, pde.logistic(0.1), [10.0])[0]
    turned = pde.solve(start.transpose(2, 0, 1).copy(), mask.transpose(2, 0, 1).copy(), spacing[[2, 0, 1]], 0.3, pde.logistic(0.1), [10.0])
    np.testing.assert_allclose(mirrored[::-1], found, rtol=1e-12)
    np.testing.assert_allclose(turned[0].transpose(1, 2, 0), found, rtol=1e-12)


def test_second_order_in_space() -> None:
    """cos(πx) decays as e^{−Dπ²t} between walls: the error falls fourfold when voxels are halved."""
    errors = []
    for n in (10, 20, 40):
        x = (np.arange(n) + 0.5) / n
        start = (1.0 + np.cos(np.pi * x))[:, None, None]
        found = pde.solve(start, np.ones((n, 1, 1)), 1.0 / n, 1.0, None, [0.1], dt_days=1e-4)[0, :, 0, 0]
        errors.append(np.abs(found - 1.0 - np.cos(np.pi * x) * np.exp(-(np.pi**2) * 0.1)).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == pytest.approx([2.0, 2.0], abs=0.05)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_order_in_time(order: int) -> None:
    """Logistic growth in closed form: u₀e^{kt}/(1 + u₀(e^{kt} − 1))."""
    grown = np.exp(0.2 * 10.0)
    exact = 0.1 * grown / (1 + 0.1 * (grown - 1))
    start = np.full((2, 2, 2), 0.1)
    errors = [
        abs(pde.solve(start, np.ones((2, 2, 2)), 1.0, 0.2, pde.logistic(0.2), [10.0], dt_days=dt, order=order)[0, 0, 0, 0] - exact)
        for dt in (0.5, 0.25)
    ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


def test_flux_through_two_layers_in_series() -> None:
    """Held ends at rest: flux = ΔC/(L₁/D₁ + L₂/D₂) exactly, by harmonic faces."""
    n = 10
    diffusivity = np.where(np.arange(n) < 4, 0.5, 0.1)[:, None, None]
    held = np.zeros((n, 1, 1), dtype=bool)
    held[[0, -1]] = True
    supply = np.linspace(1.0, 0.0, n)[:, None, None]
    found = pde.at_rest(np.ones((n, 1, 1)), 2.0, diffusivity, pde.michaelis_menten(0.0, 1.0), held=held, supply=supply, tolerance=1e-10)[
        :, 0, 0
    ]
    flux = 0.5 * (found[1] - found[2]) / 2.0
    assert flux == pytest.approx(1.0 / (3.5 * 2 / 0.5 + 5.5 * 2 / 0.1), rel=1e-8)


def test_dates_are_met_and_other_output_times_change_nothing() -> None:
    """Growth and two doses in closed form, to the time of day; asking for more times changes it by the error of the step alone."""
    events = [pde.Event(3.21, survival=0.4), pde.Event(7.77, survival=0.5, added=0.01)]
    start, mask = np.full((3, 3, 3), 0.2), np.ones((3, 3, 3))

    def grow(u: float, days: float) -> float:
        return float(u * np.exp(0.1 * days) / (1 + u * (np.exp(0.1 * days) - 1)))

    exact = grow(0.5 * grow(0.4 * grow(0.2, 3.21), 4.56) + 0.01, 2.23)
    once = pde.solve(start, mask, 1.0, 0.1, pde.logistic(0.1), [10.0], events, dt_days=0.1)[-1]
    often = pde.solve(start, mask, 1.0, 0.1, pde.logistic(0.1), np.linspace(0, 10, 37), events, dt_days=0.1)[-1]
    assert once == pytest.approx(exact, rel=1e-7)
    assert often == pytest.approx(exact, rel=1e-7)
    at_the_date = pde.solve(start, mask, 1.0, 0.1, pde.logistic(0.1), [3.21], events[:1], dt_days=0.1)[0]
    assert at_the_date == pytest.approx(0.4 * grow(0.2, 3.21), rel=1e-7)


def test_other_units_the_same_answer() -> None:
    """Millimetres and days, tenths of a millimetre and hours."""
    mask = ball(12, 5.1)
    start = bump(mask, 9.0)
    one = pde.solve(start, mask, 0.5, 0.03, pde.logistic(0.1), [20.0])
    other = pde.solve(start, mask, 5.0, 0.03 * 100 / 24, pde.logistic(0.1 / 24), [20.0 * 24])
    seconds = pde.solve_s(start, mask, 0.5, 0.03 / 86400, pde.logistic(0.1 / 86400), [20.0 * 86400])
    np.testing.assert_allclose(other, one, rtol=1e-10)
    np.testing.assert_allclose(seconds, one, rtol=1e-10)


def test_between_zero_and_capacity() -> None:
    """The maximum principle, with a front as steep as can be."""
    mask = ball(14, 6.2)
    start = (np.indices(mask.shape)[0] > 6) * mask * 0.8
    found = pde.solve(start, mask, 1.0, 0.5, pde.logistic(0.4, 0.8), [1.0, 5.0, 50.0])
    assert found.min() >= 0
    assert found.max() <= 0.8 * (1 + 1e-12)


def test_the_number_of_threads_changes_nothing() -> None:
    mask = ball(20, 9.0)
    start = bump(mask).astype(np.float32)
    before, found = numba.get_num_threads(), []
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        found.append(pde.solve(start, mask, 1.0, 0.2, pde.logistic(0.1), [10.0]))
    numba.set_num_threads(before)
    np.testing.assert_array_equal(found[0], found[1])


def test_a_reaction_handed_in_and_maps_of_parameters() -> None:
    """Two species that turn into each other keep their sum and come to rest at the ratio of the rates, each with its own diffusivity."""

    @njit
    def turn(u, p, f, du):  # type: ignore[no-untyped-def]
        du[0] = p[1] * u[1] - p[0] * u[0]
        du[1] = -du[0]

    mask = ball(9, 4.0)
    start = np.stack([bump(mask, 9.0), 0 * mask])
    rate = np.where(np.indices(mask.shape)[0] > -1, 0.3, 0.0)
    found = pde.solve(start, mask, 1.0, np.array([0.2, 0.0]), pde.Reaction(turn, (rate, 0.1), lambda most: 0.4, species=2), [5.0, 800.0])
    assert found.sum(axis=(1, 2, 3, 4)) == pytest.approx(start.sum(), rel=1e-12)
    assert found[1, 1][mask] == pytest.approx(3.0 * found[1, 0][mask], rel=1e-4)
    assert found[1, 0][mask].std() < 1e-3 * found[1, 0][mask].mean()


def test_growth_by_voxel() -> None:
    """A map of rates, nothing moving: each voxel its own logistic curve."""
    rates = np.linspace(0.0, 0.2, 12).reshape(2, 3, 2)
    found = pde.solve(np.full(rates.shape, 0.1), np.ones(rates.shape), 1.0, 0.0, pde.logistic(rates, 0.5), [15.0])[0]
    grown = np.exp(rates * 15.0)
    np.testing.assert_allclose(found, 0.1 * grown / (1 + 0.2 * (grown - 1)), rtol=1e-5)


def test_rest_is_where_time_leads() -> None:
    """What a linear sink and an exchange come to is what the solver at rest gives."""
    rng = np.random.default_rng(2)
    mask = rng.random((10, 10, 1)) < 0.9
    exchange = (rng.random(mask.shape) < 0.1) * 1.0

    @njit
    def lose(u, p, f):  # type: ignore[no-untyped-def]
        return p[0] * (f[0] - u) - p[1] * u / (u + p[2])

    reaction = pde.Reaction(lose, (exchange, 0.05, 0.5), lambda most: 1.1, forcing=lambda start, stop: (2.0,))
    late = pde.solve(np.zeros(mask.shape), mask, 1.0, 0.5, reaction, [2000.0])[0]
    rest = pde.at_rest(mask, 1.0, 0.5, pde.michaelis_menten(0.05, 0.5), exchange=exchange, supply=2.0)
    reached = rest > 1e-3
    np.testing.assert_allclose(late[reached], rest[reached], rtol=1e-4)
