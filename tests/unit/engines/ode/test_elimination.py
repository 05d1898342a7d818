"""The planned elimination solves sparse systems as a dense solver does, with no more fill than the order allows."""

import numpy as np

from gemel.engines.ode.elimination import ordered, planned
from gemel.engines.ode.kernels import LANES, eliminate, substitute


def star(n):
    """A hub that meets every other row: the pattern of organs about the blood."""
    return {(0, i) for i in range(n)} | {(i, 0) for i in range(n)}


def test_a_star_is_eliminated_without_fill():
    order = ordered(star(12), 12)
    rank = {old: new for new, old in enumerate(order)}
    plan = planned({(rank[i], rank[j]) for i, j in star(12)}, 12)
    assert order.index(0) >= 10
    assert plan.size == 12 + 2 * 11


def test_the_solution_is_that_of_a_dense_solver():
    rng = np.random.default_rng(5)
    n = 9
    pattern = {(int(i), int(j)) for i, j in rng.integers(0, n, (20, 2))}
    plan = planned(pattern, n)
    dense = np.zeros((LANES, n, n))
    for i, j in {*pattern, *((k, k) for k in range(n))}:
        dense[:, i, j] = rng.normal(size=LANES) + (8.0 if i == j else 0.0)
    table = np.zeros((plan.size, LANES))
    for (i, j), place in plan.place.items():
        table[place] = dense[:, i, j]
    inverse, right = np.empty((n, LANES)), rng.normal(size=(n, LANES))
    lists = (plan.diagonal, plan.lower, plan.updates, plan.update_ends, plan.upper, plan.upper_ends)
    solved = right.copy()
    eliminate(lists, table, inverse)
    substitute(lists, table, inverse, solved)
    np.testing.assert_allclose(solved, np.linalg.solve(dense, right.T[..., None])[..., 0].T, rtol=1e-12)
