"""When the search ends: both tests must hold, and a bound that holds a variable back is no reason to go on."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.engines.optimise.solver import Box, Rule, is_converged, minimise, non_negative, projected_gradient

RULE = Rule(decrease=1e-3, cosine=1e-2, floor=1e-9, max_iterations=100)
FLAT, FALLING = [2.0] * 12, list(np.linspace(3.0, 2.0, 12))
U = np.array([1.0, 0.0])


@pytest.mark.parametrize(
    "values, gradient, converged",
    [
        (FLAT, [0.0, 0.0], True),
        (FLAT, [0.0, 5.0], True),  # the second variable lies at its bound and would go below it
        (FLAT, [0.0, -5.0], False),
        (FLAT, [0.021, 0.0], False),  # 0.01·√(2·2) = 0.02
        (FLAT, [0.019, 0.0], True),
        (FALLING, [0.0, 0.0], False),
        (FLAT[:10], [0.0, 0.0], False),  # too short a history
        ([2.0, 1e-10], [0.0, -5.0], True),  # met
    ],
)
def test_both_tests_must_hold(values, gradient, converged):
    assert is_converged(values, U, np.array(gradient), RULE) is converged


def test_projected_gradient_leaves_out_what_the_bound_forbids():
    assert projected_gradient(U, np.array([0.3, 4.0])) == pytest.approx(0.3)
    assert projected_gradient(U, np.array([0.3, -4.0])) == pytest.approx(4.0)


def test_quadratic_with_a_bound_is_solved_exactly_whatever_the_scale():
    """min ½(x − a)ᵀH(x − a), x ≥ 0, worked by hand: x = (0, 2.5)."""
    hessian, centre = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([-1.0, 3.0])

    def function(x):
        return 0.5 * (x - centre) @ hessian @ (x - centre), hessian @ (x - centre)

    rule = Rule(decrease=1e-9, cosine=1e-6, floor=1e-12, max_iterations=100)
    for scale in (np.ones(2), np.array([10.0, 0.1])):
        found = minimise(function, np.ones(2), replace(non_negative(2), scale=scale), rule=rule, progress=silent)
        np.testing.assert_allclose(found.x, [0.0, 2.5], atol=1e-6)
    box = Box(np.array([0.5, 0.0]), np.array([np.inf, 2.0]), np.array([10.0, 0.1]))
    held = minimise(function, np.ones(2), box, rule=rule, progress=silent)
    np.testing.assert_array_equal(held.x, [0.5, 2.0])  # both bounds hold, and exactly so


def test_time_ends_the_search_after_an_iteration():
    seconds = iter(range(100))
    rule = Rule(decrease=0.0, cosine=0.0, floor=0.0, max_iterations=100, expired=lambda: next(seconds) >= 3)
    found = minimise(
        lambda x: (float(((x - 1) ** 4).sum()), 4 * (x - 1) ** 3), np.full(5, 9.0), non_negative(5), rule=rule, progress=silent
    )
    assert (found.ending, found.iterations) == ("time", 3)


def silent(iteration, value):
    """Nobody is told."""
