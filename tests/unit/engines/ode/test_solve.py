"""Courses of small networks against closed forms, events at their times, and what is refused."""

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.core.network import Network, Reaction, loss, transfer
from gemel.engines.ode import Dose, Status, Tolerance, compiled, require_solved, solve

TIGHT = Tolerance(1e-8, 1e-14)
CHAIN = Network(("a", "b"), ("k", "m"), (transfer("a", "b", "k"), loss("b", "m")))
RATES = np.array([[0.7, 0.05]])
T = np.array([0.0, 1.0, 5.0, 40.0])


def chain(t, k=0.7, m=0.05):
    """Bateman's b(t) and its integral after a unit of a at 0."""
    b = k / (m - k) * (np.exp(-k * t) - np.exp(-m * t))
    return b, k / (m - k) * ((1 - np.exp(-k * t)) / k - (1 - np.exp(-m * t)) / m)


def test_a_chain_and_its_integral_are_batemans():
    found = solve(compiled(CHAIN, ()), RATES, t=T, doses=[Dose("a", 1.0)], tolerance=TIGHT)
    b, integral = chain(T)
    np.testing.assert_allclose(found.values[0, :, 1], b, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(found.integrals[0, :, 1], integral, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(found.amounts[0], [np.exp(-0.7 * 40), b[-1]], rtol=1e-6, atol=1e-14)


def test_boluses_jump_at_their_times_and_the_value_there_is_that_after():
    found = solve(compiled(CHAIN, ()), RATES, t=np.array([3.0, 5.0, 9.0]), doses=[Dose("a", 1.0), Dose("a", 2.0, 5.0)], tolerance=TIGHT)
    np.testing.assert_allclose(found.values[0, :2, 0], [np.exp(-2.1), np.exp(-3.5) + 2], rtol=1e-7)
    np.testing.assert_allclose(found.values[0, 2, 1], chain(9.0)[0] + 2 * chain(4.0)[0], rtol=1e-7)


def test_an_infusion_is_a_constant_rate_that_ends():
    found = solve(compiled(CHAIN, ()), RATES, t=np.array([2.0, 6.0]), doses=[Dose("a", 3.0, 1.0, 4.0)], tolerance=TIGHT)
    during, k = 0.75, 0.7
    at_end = during / k * (1 - np.exp(-k * 4))
    np.testing.assert_allclose(found.values[0, :, 0], [during / k * (1 - np.exp(-k)), at_end * np.exp(-k)], rtol=1e-7)


def test_a_constant_source_and_a_saturating_loss_settle_where_they_balance():
    network = Network(("a",), ("in", "v", "K"), (Reaction("in", (), (("a", 1.0),)), Reaction("v", ("a",), (("a", -1.0),), ("a", "K"))))
    found = solve(compiled(network, ()), np.array([[2.0, 5.0, 3.0]]), t=np.array([200.0]), tolerance=TIGHT)
    np.testing.assert_allclose(found.amounts[0, 0], 2.0 * 3.0 / (5.0 - 2.0), rtol=1e-6)


def test_michaelis_menten_follows_lambert():
    """K ln(s₀/s) + s₀ − s = v t. Schnell & Mendoza 1997, J Theor Biol 187:207."""
    network = Network(("s",), ("v", "K"), (Reaction("v", ("s",), (("s", -1.0),), ("s", "K")),))
    found = solve(compiled(network, ()), np.array([[1.3, 0.4]]), t=np.array([1.0, 2.0]), initial=np.array([[2.0]]), tolerance=TIGHT)
    s = found.values[0, :, 0]
    np.testing.assert_allclose(0.4 * np.log(2.0 / s) + 2.0 - s, 1.3 * np.array([1.0, 2.0]), rtol=1e-6)


def test_a_species_may_stand_twice():
    network = Network(("a",), ("k",), (Reaction("k", ("a", "a"), (("a", -1.0),)),))
    found = solve(compiled(network, ()), np.array([[0.5]]), t=np.array([4.0]), initial=np.array([[2.0]]), tolerance=TIGHT)
    np.testing.assert_allclose(found.amounts[0, 0], 2.0 / (1 + 0.5 * 2.0 * 4.0), rtol=1e-7)


def test_a_failure_is_a_value_whose_text_is_its_remedy():
    explosive = Network(("a",), ("k",), (Reaction("k", ("a", "a"), (("a", 1.0),)),))
    coefficients = np.array([[1.0], [0.1], [np.nan]])
    found = solve(compiled(explosive, ()), coefficients, t=np.array([0.5, 2.0]), initial=np.ones((3, 1)))
    assert found.status[0] in (Status.STEP_TOO_SMALL, Status.NOT_FINITE)
    assert list(found.status[1:]) == [Status.SOLVED, Status.NOT_FINITE]
    assert np.isnan(found.values[0, 1]).all()
    np.testing.assert_allclose(found.values[1, :, 0], [1 / (1 - 0.05), 1 / (1 - 0.2)], rtol=1e-5)
    with pytest.raises(InputError, match="2 of 3 draws without solution"):
        require_solved(found.status, "here")
    few = solve(compiled(CHAIN, ()), RATES, t=T, doses=[Dose("a", 1.0)], tolerance=Tolerance(1e-8, 1e-14, 5))
    assert few.status[0] == Status.TOO_MANY_STEPS


def test_what_cannot_be_solved_is_refused():
    system = compiled(CHAIN, ())
    for t in (np.array([2.0, 1.0]), np.array([-1.0, 1.0]), np.array([np.nan])):
        with pytest.raises(RangeError, match="times"):
            solve(system, RATES, t=t)
    with pytest.raises(RangeError, match="coefficients"):
        solve(system, np.ones((1, 3)), t=T)
    for dose, said in ((Dose("z", 1.0), "into 'z'"), (Dose("a", -1.0), "negative"), (Dose("a", 1.0, -2.0), "dose at")):
        with pytest.raises(RangeError, match=said):
            solve(system, RATES, t=T, doses=[dose])
    with pytest.raises(InputError, match="readouts of z"):
        compiled(CHAIN, (("all", ("a", "z")),))
