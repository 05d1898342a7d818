"""The mean of the worst tail: its limits (expected, CVaR, worst case), its derivative, how near the smoothed one is."""

import numpy as np
import pytest

from gemel.engines.optimise.robustness import tail_mean

F = np.array([3.0, 10.0, 7.0, 1.0])
P = np.array([0.4, 0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    "tail, value",
    [(1.0, 0.4 * 3 + 0.1 * 10 + 0.2 * 7 + 0.3 * 1), (0.0, 10.0), (0.1, 10.0), (0.2, 8.5), (0.3, 8.0), (0.7, (1.0 + 1.4 + 1.2) / 0.7)],
)
@pytest.mark.parametrize("temperature", [0.0, 1e-6])
def test_tail_mean_by_hand(tail, value, temperature):
    found, share = tail_mean(F, P, tail_fraction=tail, temperature=temperature)
    assert found == pytest.approx(value, abs=1e-4)
    assert share.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("tail", [0.0, 0.15, 0.5, 1.0])
def test_smoothed_value_is_below_the_sharp_one_by_at_most_its_bound(tail):
    sharp, smooth = (tail_mean(F, P, tail_fraction=tail, temperature=t)[0] for t in (0.0, 0.3))
    assert smooth <= sharp + 1e-12
    assert sharp - smooth <= 0.3 * np.log(1 / P.min())


@pytest.mark.parametrize("tail", [0.0, 0.15, 0.5])
def test_share_is_the_derivative(tail):
    _, share = tail_mean(F, P, tail_fraction=tail, temperature=2.0)
    up, down = ([tail_mean(F + s * e, P, tail_fraction=tail, temperature=2.0)[0] for e in np.eye(4)] for s in (1e-5, -1e-5))
    np.testing.assert_allclose(share, (np.array(up) - np.array(down)) / 2e-5, atol=1e-7)
    assert (share <= P / tail + 1e-12).all() if tail else share.argmax() == 1


def test_a_scenario_of_no_probability_does_not_count():
    for temperature in (0.0, 0.1):
        value, share = tail_mean(F, np.array([0.5, 0.0, 0.5, 0.0]), tail_fraction=0.0, temperature=temperature)
        assert share[1] == 0
        assert value <= 7.0
