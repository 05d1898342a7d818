"""The emulator: its closed forms against brute force, its gradient, its limits, and what is refused."""

import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.engines.surrogate import Hyper, _misfit, covariance, fit, leave_one_out, predict


def smooth(x):
    """Three smooth readouts of four inputs."""
    return np.stack([np.sin(x[:, 0]) + x[:, 1], 0.5 * x[:, 2] ** 2 + x[:, 0], np.exp(0.3 * x[:, 3]) * 40 + 100], axis=1)


@pytest.fixture(scope="module")
def design():
    x = np.random.default_rng(1).normal(size=(40, 4))
    return x, smooth(x)


def test_leave_one_out_equals_brute_force(design):
    """Rasmussen & Williams 2006, eq. 5.12, against forty regressions that each leave one point out."""
    x, y = design
    hyper = Hyper(np.array([1.0, 2.0, 1.5, 3.0]), 0.7, 1e-3)
    full = covariance(x, x, hyper) + hyper.noise * np.eye(40)
    factor = np.linalg.cholesky(full)
    scale, error, sd = leave_one_out(factor, np.linalg.solve(full, y))
    for i in range(40):
        rest = np.delete(np.arange(40), i)
        gain = np.linalg.solve(full[np.ix_(rest, rest)], full[rest, i])
        np.testing.assert_allclose(error[i], y[i] - gain @ y[rest], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(sd[i] ** 2, scale * (full[i, i] - gain @ full[rest, i]), rtol=1e-6)
    np.testing.assert_allclose(((error / sd) ** 2).mean(axis=0), 1.0)


def test_gradient_of_the_misfit_agrees_with_finite_differences(design):
    x, y = design
    theta = np.array([0.1, 0.5, 1.0, 0.8, 0.3, -3.0])
    _, gradient = _misfit(theta, x, y - y.mean(axis=0), 0.7)
    values = [[_misfit(theta + s * e, x, y - y.mean(axis=0), 0.7)[0] for e in np.eye(6)] for s in (1e-6, -1e-6)]
    np.testing.assert_allclose(gradient, (np.array(values[0]) - np.array(values[1])) / 2e-6, rtol=1e-5, atol=1e-5)


def test_a_smooth_function_without_noise_is_met_at_the_design(design):
    x, y = design
    mean, sd = predict(fit(x, y), x)
    np.testing.assert_allclose(mean, y, atol=0.02 * y.std())
    assert (sd < 0.1 * y.std(axis=0)).all()


def test_a_linear_function_is_continued_far_outside_the_design():
    x = np.random.default_rng(2).normal(size=(30, 3))
    slope = np.array([[2.0], [-1.0], [0.5]])
    surrogate = fit(x, x @ slope + 7.0)
    mean, sd = predict(surrogate, np.array([[6.0, 6.0, 6.0]]))
    assert mean[0, 0] == pytest.approx(16.0, abs=0.2)
    assert sd[0, 0] < 0.2


def test_error_bars_grow_away_from_the_design(design):
    surrogate = fit(*design)
    _, near = predict(surrogate, np.zeros((1, 4)))
    _, far = predict(surrogate, np.full((1, 4), 5.0))
    assert (far > 3 * near).all()


def test_noise_is_part_of_the_error_bar():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(90, 2))
    _, sd = predict(fit(x, x[:, :1] + 0.5 * rng.normal(size=(90, 1))), np.zeros((1, 2)))
    assert sd[0, 0] == pytest.approx(0.5, rel=0.2)


def test_inputs_and_outputs_in_other_units_give_the_same_emulator(design):
    x, y = design
    new, shift = np.random.default_rng(4).normal(size=(5, 4)), np.array([10.0, 0.0, -3.0, 1.0])
    mean, sd = predict(fit(x, y), new)
    other_mean, other_sd = predict(fit(x * 1000 + shift, y * 0.01 - 4), new * 1000 + shift)
    np.testing.assert_allclose(other_mean, mean * 0.01 - 4, rtol=1e-4)
    np.testing.assert_allclose(other_sd, sd * 0.01, rtol=1e-2)


def test_groups_have_their_own_length_scales(design):
    x, y = design
    surrogate = fit(x, y, group=np.array([3, 3, 8]))
    assert surrogate.lengths.shape == (2, 4)
    alone = fit(x, y[:, 2:])
    np.testing.assert_allclose(predict(surrogate, x + 0.1)[0][:, 2:], predict(alone, x + 0.1)[0], rtol=1e-6)


def test_a_readout_that_does_not_vary_is_that_value(design):
    x, y = design
    mean, sd = predict(fit(x, np.column_stack([y, np.full(40, 99.8)])), x[:3])
    np.testing.assert_allclose(mean[:, 3], 99.8, rtol=1e-12)
    np.testing.assert_array_equal(sd[:, 3], 0.0)


def test_the_same_design_gives_the_same_arrays(design):
    one, two = fit(*design), fit(*design)
    for name, array in vars(one).items():
        assert isinstance(array, np.ndarray)
        np.testing.assert_array_equal(array, getattr(two, name))


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda x, y: (x[:3], y[:3]), "3 points"),
        (lambda x, y: (np.where(x > 2, np.nan, x), y), "not finite"),
        (lambda x, y: (x, np.where(y > 2, np.inf, y)), "not finite"),
        (lambda x, y: (np.column_stack([x, np.ones(40)]), y), r"do not vary \(columns \[4\]\)"),
    ],
)
def test_a_design_that_cannot_be_used_is_refused(design, change, words):
    with pytest.raises(InputError, match=words):
        fit(*change(*design))


def test_a_point_that_does_not_fit_the_design_is_refused(design):
    surrogate = fit(*design)
    for point in (np.zeros((1, 3)), np.full((1, 4), np.nan)):
        with pytest.raises(InputError, match="4 inputs"):
            predict(surrogate, point)
