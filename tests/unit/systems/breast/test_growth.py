"""Kill, growth and motion of the cells of one tumour: closed forms, and what mechanics adds."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from gemel.core.belief import Params
from gemel.core.errors import InputError, RangeError
from gemel.core.record import Action
from gemel.core.time import DAY_S
from gemel.systems.breast.body import Body
from gemel.systems.breast.drugs import UNIT, Dose, as_dose, effect_d
from gemel.systems.breast.grid import working
from gemel.systems.breast.growth import advance, begin, rate_1_d, states
from gemel.systems.breast.mechanics import densities, growth_stress_kPa, stiffness
from gemel.systems.breast.stress import von_mises_kPa
from gemel.systems.breast.template import body
from tests.unit.systems.breast.patient import case, visit

NUMBERS = {
    "k_1_d": 0.02, "D0_mm2_d": 0.1, "alpha_AC_1_d": 0.3, "beta_AC_1_d": 0.4, "alpha_T_1_d": 0.2, "beta_T_1_d": 0.7,
    "initial_ratio_1": 1.0, "excess_1_d": 0.0, "gamma_1_kPa": 1.0,
}  # fmt: skip


def params(of: Body, draws: int = 1, **changed: float) -> Params:
    held = {**NUMBERS, **{f"k_mode_{i + 1}_1": 0.0 for i in range(len(of.modes))}, **changed}
    return {name: np.full(draws, value) for name, value in held.items()}


def test_the_effect_of_doses_by_quadrature() -> None:
    """∫ Σ d e^{−β(t−τ)} over spans that begin before, at and after doses; and its whole, d/β."""
    doses, beta = (Dose("AC", 1.3 * DAY_S, 1.0), Dose("AC", 8.0 * DAY_S, 0.5), Dose("T", 2.0 * DAY_S, 9.0)), np.array([0.2, 9.242])
    edges_d = np.array([0.0, 1.0, 3.5, 8.0, 30.0])
    found = effect_d(doses, "AC", beta, edges_d * DAY_S)
    for i, b in enumerate(beta):
        t = np.linspace(0, 30, 600001)
        rate = sum(d.amount * np.where(t >= d.t_s / DAY_S, np.exp(-b * (t - d.t_s / DAY_S)), 0.0) for d in doses[:2])
        exact = [np.trapezoid(np.where((t >= a) & (t <= c), rate, 0.0), t) for a, c in pairwise(edges_d)]
        np.testing.assert_allclose(found[i], exact, atol=2e-4)
    assert effect_d(doses[:1], "AC", beta, np.array([0.0, 1000 * DAY_S]))[:, 0] == pytest.approx(1 / beta)


def test_few_cells_under_treatment_follow_the_closed_form() -> None:
    """u ≪ 1, no motion: N₀ exp[kt − α Σ C d (1 − e^{−β(t−τ)})/β], for steps much longer than 1/β, within 0.1 %."""
    of = replace(body(), density=np.full(len(body().density), 1e-4, np.float32), given=())
    doses, b = (Dose("AC", 2.0 * DAY_S, 1.0), Dose("AC", 23.3 * DAY_S, 1.0)), 9.242
    numbers = params(of, alpha_AC_1_d=3.0, beta_AC_1_d=b, D0_mm2_d=1e-9)
    found = advance(of, begin(of, numbers), numbers, doses, 42 * DAY_S)["density"][0]
    exact = 1e-4 * np.exp(0.02 * 42 - 3.0 * of.supply * sum(1 - np.exp(-b * (42 - d.t_s / DAY_S)) for d in doses) / b)
    np.testing.assert_allclose(found, exact, rtol=1e-3)


def test_the_field_of_rates_has_the_spread_it_should() -> None:
    """sd of ln k over the tumour, over prior draws of the modes: near τ = 0.4, short by what the modes that are left out hold."""
    of, rng = case().body, np.random.default_rng(2)
    drawn = params(of, 400) | {f"k_mode_{i + 1}_1": rng.standard_normal(400) for i in range(len(of.modes))}
    ln = np.log(rate_1_d(of, drawn)[:, of.density > 0])
    assert 0.22 < float(np.sqrt(ln.var(axis=1).mean())) < 0.4
    np.testing.assert_allclose(ln.mean(axis=1), np.log(0.02), atol=0.05)


def test_the_calendar_does_not_matter_and_times_add_up() -> None:
    of = body()
    numbers, action = params(of, 2), Action("T", 30 * DAY_S, 1.0, UNIT)
    here = states(of, numbers, (action,), 0.0, (20 * DAY_S, 41 * DAY_S))
    after_s = 4096 * DAY_S
    later = states(of, numbers, (replace(action, t_s=action.t_s + after_s),), after_s, (after_s + 20 * DAY_S, after_s + 41 * DAY_S))
    np.testing.assert_array_equal(here[1]["density"], later[1]["density"])
    assert here[1]["t_s"][0] == 41 * DAY_S


def test_parameters_beyond_the_stable_range_are_refused_or_stepped_within_it() -> None:
    """Cells that move 300 times as fast as usual stay between nothing and capacity; rates below zero or not finite are refused."""
    of = body()
    for numbers in (params(of, D0_mm2_d=30.0), params(of, k_1_d=5.0)):
        then = advance(of, begin(of, numbers), numbers, of.given, 30 * DAY_S)["density"]
        assert then.min() >= 0.0
        assert then.max() <= 1.0 + 1e-5
    for bad in ({"D0_mm2_d": -0.1}, {"k_1_d": np.nan}, {"alpha_AC_1_d": -1.0}):
        with pytest.raises(RangeError, match="negative or not finite"):
            advance(of, begin(of, params(of, **bad)), params(of, **bad), of.given, 30 * DAY_S)


def test_doses_of_other_things_are_refused() -> None:
    for kind, amount, unit in (("X", 1.0, UNIT), ("AC", 1.0, "mg"), ("AC", -1.0, UNIT), ("T", np.nan, UNIT)):
        with pytest.raises(InputError, match="give AC or T"):
            as_dose(Action(kind, 0.0, amount, unit))


@pytest.fixture(scope="module")
def coupled() -> Body:
    from gemel.systems.breast.mechanics import coupled as couple

    return couple(case().body, working(visit(0.0), case().lowest_mm2_s))


def test_stress_by_superposition_is_stress_solved_for(coupled: Body) -> None:
    """Of a density six weeks into a course that the basis was not made of: 1.5 % of the greatest in the mean square, 8 % at worst."""
    held = working(visit(0.0), case().lowest_mm2_s)
    numbers = params(coupled, k_1_d=0.03, D0_mm2_d=0.2, alpha_AC_1_d=0.15)
    later = advance(coupled, begin(coupled, numbers), numbers, coupled.given, coupled.start_s + 42 * DAY_S)["density"]
    field = np.zeros(coupled.mask.shape)
    field[coupled.mask] = later[0]
    xx, yy, zz, xy, yz, zx = growth_stress_kPa(field, stiffness(held))[:, coupled.mask]
    exact = np.sqrt(0.5 * ((xx - yy) ** 2 + (yy - zz) ** 2 + (zz - xx) ** 2) + 3 * (xy**2 + yz**2 + zx**2))
    found = von_mises_kPa(coupled, later)[0]
    assert exact.max() > 0.3
    assert np.sqrt(np.square(found - exact).mean()) < 0.015 * exact.max()
    assert np.abs(found - exact).max() < 0.08 * exact.max()


def test_stress_holds_cells_back(coupled: Body) -> None:
    """More coupling, less spread; none at all is the uncoupled model."""
    spread = []
    for gamma in (0.0, 1.0, 5.0):
        numbers = params(coupled, D0_mm2_d=0.5, gamma_1_kPa=gamma)
        then = advance(coupled, begin(coupled, numbers), numbers, (), coupled.start_s + 60 * DAY_S)["density"][0]
        spread.append(float(then[coupled.density == 0].sum()))
    plain = case().body
    numbers = params(plain, D0_mm2_d=0.5)
    free = advance(plain, begin(plain, numbers), numbers, (), plain.start_s + 60 * DAY_S)["density"][0]
    assert spread[0] > 1.05 * spread[1] > 1.1 * spread[2]
    assert spread[0] == pytest.approx(float(free[plain.density == 0].sum()), rel=5e-3)


def test_the_basis_is_orthonormal(coupled: Body) -> None:
    basis = densities(case().body)
    np.testing.assert_allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-5)
