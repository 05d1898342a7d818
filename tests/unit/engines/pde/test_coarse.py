"""Grids that are too coarse for their fronts, by explicit and by implicit steps; and steps that depend smoothly on what is asked."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines import pde
from gemel.engines.pde.coarse import coarseness
from gemel.engines.pde.domain import domain
from gemel.engines.pde.implicit_reaction import react

SHAPE = (9, 4, 1)
MASK = np.ones(SHAPE, dtype=bool)
START = np.full(SHAPE, 0.01)
LEFT = (np.indices(SHAPE)[0] < 5).astype(bool)


@pytest.mark.parametrize(
    ("D", "k", "ratio"),
    [
        (0.1, 0.1, 2.0),
        (0.4, 0.1, 1.0),
        (np.full(SHAPE, 0.1), 0.1, 2.0),
        (np.where(LEFT, 0.1, 0.9), np.where(LEFT, 0.1, 0.0), 2.0),  # a front there, and none where D is large
        (np.where(LEFT, 0.1, 0.025), 0.1, 2.0),  # the fastest counts
        (np.diag([0.1, 0.02, 0.02]), 0.1, 2.0),
        (0.1, -0.1, 0.0),
        (0.0, 0.1, 0.0),
    ],
)
def test_edge_over_width_of_the_fastest_front(D: Any, k: Any, ratio: float) -> None:
    """h √(k/D), h along axes that have more than one voxel."""
    on = domain(MASK, (2.0, 1.0, 50.0))
    assert coarseness(on, np.asarray(D), pde.logistic(k)) == pytest.approx(ratio)
    assert coarseness(on, np.asarray(D), pde.logistic(k, 1e5)) == pytest.approx(ratio)


def test_outside_the_mask_nothing_is_judged() -> None:
    D = np.where(LEFT, 0.1, 100.0)
    assert coarseness(domain(LEFT, 2.0), D, pde.logistic(0.1)) == pytest.approx(2.0)
    assert coarseness(domain(MASK, 2.0), D, pde.logistic(0.1)) < 0.1


@pytest.mark.parametrize("solve", [pde.solve, pde.solve_implicit])
def test_both_ways_warn(solve: Callable[..., Array]) -> None:
    with pytest.warns(UserWarning, match=r"coarse .* = 2 > 1"):
        solve(START, MASK, 2.0, 0.1, pde.logistic(0.1), [1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(START, MASK, 1.0, 0.1, pde.logistic(0.1), [1.0])
        solve(START, MASK, 2.0, 0.1, pde.exponential(-0.1), [1.0])  # what dies has no front


@pytest.mark.parametrize("k", [0.05, 0.1, 0.2])
def test_rates_a_little_other_mean_the_same_steps(k: float) -> None:
    """The derivative by k is that of differences of any size, also at rates and dates of round numbers: 1e-6."""

    def total(k: float) -> float:
        return float(pde.solve(START, MASK, 1.0, 0.3, pde.logistic(k), [10.0, 30.0], [pde.Event(20.0, 0.5)]).sum())

    found = pde.gradient(START, MASK, 1.0, 0.3, pde.logistic(k), [10.0, 30.0], np.ones((2, *SHAPE)), [pde.Event(20.0, 0.5)])[1].k_1_d
    for h in (1e-4, 1e-6):
        assert (total(k * (1 + h)) - total(k * (1 - h))) / (2 * k * h) == pytest.approx(found, rel=1e-6 if h < 1e-4 else 1e-5)


@pytest.mark.parametrize("survival", [10.0, 1e3])
def test_what_events_raise_is_stepped_as_finely_as_it_needs(survival: float) -> None:
    """Over capacity the logistic curve is steep: Verhulst's closed form, 1e-5."""

    def grown(u: float, days: float) -> float:
        return u * np.exp(0.4 * days) / (1 + u * np.expm1(0.4 * days))

    found = pde.solve(START, MASK, 1.0, 0.4, pde.logistic(0.4), [5.0], [pde.Event(1.0, survival)])
    np.testing.assert_allclose(found[0], grown(grown(0.01, 1.0) * survival, 4.0), rtol=1e-5)


def test_beside_what_holds_more() -> None:
    """A voxel over its small capacity by far, for its neighbour fills it: what comes in is what is lost there, 1 %."""
    capacity = np.array([1.0, 1e-3])[:, None, None]
    with pytest.warns(UserWarning, match="coarse"):
        found = pde.solve(np.full((2, 1, 1), 1e-3), np.ones((2, 1, 1)), 1.0, 1.0, pde.logistic(2.0, capacity), [10.0])
    large, small = found[0, :, 0, 0]
    assert large - small == pytest.approx(2.0 * small * (small / 1e-3 - 1), rel=0.01)
    assert small > 10e-3


def test_a_stiff_reaction_in_long_implicit_steps() -> None:
    """10⁹ explicit steps are not planned for: Verhulst's curve is in closed form, so that a day is one step."""
    with pytest.warns(UserWarning, match="coarse"):
        found = pde.solve_implicit(START, MASK, 1.0, 0.3, pde.logistic(1e6), [0.0, 1.0, 100.0], dt_days=1.0)
    np.testing.assert_allclose(found[:, 0, 0, 0], [0.01, 1.0, 1.0], rtol=1e-9)


@pytest.mark.parametrize("solve", [pde.solve, pde.solve_implicit])
def test_what_bursts_is_refused(solve: Callable[..., Array]) -> None:
    """A negative rate over the capacity: u' = |k| u² leaves every bound in finite time."""
    with pytest.raises(RangeError, match="finite"):
        solve(np.full(SHAPE, 5.0), MASK, 1.0, 0.3, pde.logistic(-0.1), [100.0])


def test_half_a_step_of_growth_from_under_zero() -> None:
    """Where diffusion undershoots nothing grows, and no pole is passed."""
    u = np.array([[-1e-6, 0.0, 0.5, 1.0]])
    found = react(u, pde.logistic(1.0), np.array([[1.0], [1.0]]), (0.0, 40.0))
    np.testing.assert_allclose(found, [[-1e-6, 0.0, 1.0, 1.0]], rtol=1e-12)
    dying = react(u, pde.logistic(-1.0), np.array([[-1.0], [1.0]]), (0.0, 2.0))
    np.testing.assert_allclose(dying[0, 2:], [np.exp(-2) / (1 + np.exp(-2)), 1.0], rtol=1e-12)
