"""Carrying a plan over to another list of spots."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.engines.optimise import carry_over


def spots(gantry=(90.0, 270.0), x=(-5.0, 0.0, 5.0), energy=(100.0, 120.0, 140.0)):
    return np.array([(g, a, b, e) for g in gantry for e in energy for b in (-5.0, 0.0, 5.0) for a in x])


WEIGHTS = np.random.default_rng(1).random(54) * (np.random.default_rng(2).random(54) > 0.3)


def test_the_same_spots_keep_their_weights_in_any_order():
    order = np.random.default_rng(0).permutation(54)
    np.testing.assert_allclose(carry_over(spots(), WEIGHTS, spots()[order]), WEIGHTS[order], rtol=1e-14)


@pytest.mark.parametrize(
    "other", [spots(x=(-4.0, 1.0, 6.0, 11.0)), spots(energy=(98.0, 125.0)), spots(x=(0.0,)), spots(gantry=(89.0, 271.0))]
)
def test_the_sum_of_each_beam_is_conserved(other):
    carried = carry_over(spots(), WEIGHTS, other)
    assert (carried >= 0).all()
    for right in (True, False):
        assert carried[(other[:, 0] > 180) == right].sum() == pytest.approx(WEIGHTS[(spots()[:, 0] > 180) == right].sum(), rel=1e-12)


def test_weight_goes_to_the_nearest_spot_across_and_in_depth():
    """By hand: 1.3 mm across is nearer than one MeV, for 119 and 120 MeV reach 103.8 and 105.4 mm, 1.6 mm apart."""
    one = np.array([[90.0, 0.0, 0.0, 119.0]])
    other = np.array([[90.0, 1.3, 0.0, 119.0], [90.0, 0.0, 0.0, 120.0], [90.0, 0.0, 1.0, 123.0]])
    np.testing.assert_array_equal(carry_over(one, np.array([3.0]), other), [3.0, 0.0, 0.0])


def test_what_lies_far_away_is_spread_over_its_beam():
    one = np.array([[90.0, 0.0, 0.0, 120.0], [90.0, 5.0, 0.0, 120.0], [90.0, 60.0, 0.0, 120.0]])
    np.testing.assert_allclose(carry_over(one, np.array([1.0, 3.0, 4.0]), one[:2]), [2.0, 6.0])
    np.testing.assert_allclose(carry_over(one[2:], np.array([4.0]), one[:2]), [2.0, 2.0])


def test_beams_across_zero_degrees_are_neighbours():
    np.testing.assert_array_equal(carry_over(np.array([[359.0, 0, 0, 120.0]]), np.ones(1), np.array([[1.0, 0, 0, 120.0]])), [1.0])


@pytest.mark.parametrize(
    "one, weights, other, error, words",
    [
        (spots(), WEIGHTS, spots(gantry=(90.0, 280.0)), GeometryError, "270°"),
        (spots()[:, :3], WEIGHTS, spots(), (InputError, TypeError), "4"),
        (spots(), -WEIGHTS, spots(), RangeError, "negative"),
        (spots(), np.full(54, np.nan), spots(), RangeError, "not finite"),
        (np.full((54, 4), np.nan), WEIGHTS, spots(), RangeError, "spots_from"),
        (spots(), WEIGHTS, np.empty((0, 4)), InputError, "spots_to"),
    ],
)
def test_refused_with_a_reason(one, weights, other, error, words):
    with pytest.raises(error, match=words):
        carry_over(one, weights, other)
