"""Laws of the network engine: order of convergence, conservation, stiffness, and draws that do not know of each other."""

import numba
import numpy as np
from scipy.integrate import solve_ivp

from gemel.core.network import Network, Reaction, binding, transfer
from gemel.engines.ode import Dose, Tolerance, compiled, solve

NETWORK = Network(
    ("ligand", "receptor", "bound", "inside"),
    ("on", "off", "internalise", "recycle"),
    (
        binding(("ligand", "receptor"), "bound", "on"),
        Reaction("off", ("bound",), (("bound", -1.0), ("ligand", 1.0), ("receptor", 1.0))),
        transfer("bound", "inside", "internalise"),
        Reaction("recycle", ("inside",), (("inside", -1.0), ("ligand", 1.0), ("receptor", 1.0))),
    ),
)
K = np.array([[0.9, 0.3, 0.2, 0.05]])
START = np.array([[3.0, 2.0, 0.0, 0.0]])
END = np.array([6.0])


def reference(k, start, end):
    """The same network by an independent solver (Radau)."""

    def rates(_, y):
        bind, free = k[0] * y[0] * y[1] - k[1] * y[2], k[3] * y[3]
        return [free - bind, free - bind, bind - k[2] * y[2], k[2] * y[2] - free]

    return solve_ivp(rates, (0, end), start, method="Radau", rtol=1e-12, atol=1e-13).y[:, -1]


def test_the_error_falls_with_the_fifth_power_of_the_step():
    exact, errors, steps = reference(K[0], START[0], END[0]), [], []
    for relative in (1e-4, 1e-5, 1e-6, 1e-7):
        found = solve(compiled(NETWORK, ()), K, t=END, initial=START, tolerance=Tolerance(relative, 1e-14))
        errors.append(np.abs(found.amounts[0] - exact).max())
        steps.append(found.steps[0])
    order = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert order > 4.5


def test_the_dense_output_is_as_good_as_its_order():
    """Between steps the error stays within the tolerance's magnitude; a wrong table of the dense output breaks this."""
    t = np.linspace(0.0, 6.0, 61)
    loose = solve(compiled(NETWORK, ()), K, t=t, initial=START, tolerance=Tolerance(1e-5, 1e-14))
    tight = solve(compiled(NETWORK, ()), K, t=t, initial=START, tolerance=Tolerance(1e-9, 1e-14))
    np.testing.assert_allclose(loose.values, tight.values, rtol=2e-5, atol=1e-6)


def test_ligand_and_receptors_are_conserved_to_rounding():
    sums = (("ligand", ("ligand", "bound", "inside")), ("receptor", ("receptor", "bound", "inside")))
    found = solve(compiled(NETWORK, sums), K, t=np.linspace(0, 6, 13), initial=START, tolerance=Tolerance(1e-3, 1e-6))
    np.testing.assert_allclose(found.values[0], np.broadcast_to([3.0, 2.0], (13, 2)), rtol=1e-12)
    np.testing.assert_allclose(found.integrals[0, -1], [18.0, 12.0], rtol=1e-12)


def test_robertsons_problem_over_eleven_decades():
    """Robertson 1966; values at 4·10^10 as in Hairer & Wanner 1996, §IV.10, to the digits that Radau at 1e-12 confirms."""
    network = Network(
        ("y1", "y2", "y3"),
        ("a", "b", "c"),
        (
            transfer("y1", "y2", "a"),
            Reaction("b", ("y2", "y2"), (("y2", -1.0), ("y3", 1.0))),
            Reaction("c", ("y2", "y3"), (("y2", -1.0), ("y1", 1.0))),
        ),
    )
    k = np.array([[0.04, 3e7, 1e4]])
    found = solve(compiled(network, ()), k, t=np.array([40.0, 4e10]), initial=np.array([[1.0, 0.0, 0.0]]), tolerance=Tolerance(1e-6, 1e-14))
    np.testing.assert_allclose(found.values[0, 0], [0.7158270688, 9.185534765e-6, 0.2841637457], rtol=2e-6)
    assert found.steps[0] < 400
    assert found.values[0, 1, 0] < 1e-6


def test_a_draw_does_not_know_of_its_company_nor_of_the_threads():
    rng = np.random.default_rng(3)
    k, amount = K * np.exp(0.5 * rng.normal(size=(19, 4))), np.exp(rng.normal(size=19))
    system = compiled(NETWORK, ())

    def run(rows):
        return solve(
            system, k[rows], t=np.array([1.0, 6.0]), initial=np.repeat(START, len(k[rows]), 0), doses=[Dose("ligand", amount[rows], 2.0)]
        )

    together = run(slice(None))
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    alone = [run(slice(i, i + 1)) for i in range(19)]
    numba.set_num_threads(before)
    assert (np.concatenate([s.values for s in alone]) == together.values).all()
    assert (np.concatenate([s.integrals for s in alone]) == together.integrals).all()


def test_amounts_rescale_with_their_unit():
    """In units a thousand times smaller the second-order rate is a thousandth, and all else the same."""
    system, small = compiled(NETWORK, ()), K * np.array([[1e-3, 1, 1, 1]])
    one = solve(system, K, t=END, initial=START, tolerance=Tolerance(1e-6, 1e-10))
    other = solve(system, small, t=END, initial=1e3 * START, tolerance=Tolerance(1e-6, 1e-7))
    np.testing.assert_allclose(other.amounts, 1e3 * one.amounts, rtol=1e-9)
