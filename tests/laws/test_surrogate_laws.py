"""An emulator must know how wrong it is: error bars against true errors at points that it has not seen."""

import numpy as np
import pytest

from gemel.engines.surrogate import fit, predict


def readouts(x, rng):
    """Twenty smooth readouts of seven inputs: a trend, a bend and a saturation, as of dose-volume points."""
    trend, phase = rng.normal(size=(x.shape[1], 20)), rng.uniform(0, 6, 20)
    return lambda z: 3 * z @ trend + 2 * np.sin(0.6 * z @ trend + phase) + np.maximum(z[:, :1] + 3.0, 0.0) ** 1.5


@pytest.mark.parametrize("n, noise", [(40, 0.0), (40, 0.5), (90, 0.0), (90, 0.5)])
def test_error_bars_are_honest(n, noise):
    squares, covered, gain = [], [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x, new = rng.normal(size=(n, 7)), rng.normal(size=(300, 7))
        slow = readouts(x, rng)
        truth = slow(new) + noise * rng.normal(size=(300, 20))
        mean, sd = predict(fit(x, slow(x) + noise * rng.normal(size=(n, 20))), new)
        z = (truth - mean) / sd
        squares.append((z**2).mean())
        covered.append((np.abs(z) < 1.645).mean())
        gain.append(((truth - mean) ** 2).mean() / truth.var(axis=0).mean())
    assert 0.85 < np.sqrt(np.mean(squares)) < 1.2
    assert 0.85 < np.mean(covered) < 0.95
    assert np.mean(gain) < 0.1


def test_leave_one_out_errors_foretell_the_errors_at_new_points():
    rng = np.random.default_rng(11)
    x, new = rng.normal(size=(80, 7)), rng.normal(size=(500, 7))
    slow = readouts(x, rng)
    surrogate = fit(x, slow(x))
    seen, unseen = np.sqrt((surrogate.loo_error**2).mean()), np.sqrt(((slow(new) - predict(surrogate, new)[0]) ** 2).mean())
    assert seen == pytest.approx(unseen, rel=0.25)


def test_more_points_make_a_better_emulator():
    errors = []
    for n in (20, 50, 100):
        rng = np.random.default_rng(12)
        new = rng.normal(size=(300, 7))
        slow = readouts(new, np.random.default_rng(13))
        x = rng.normal(size=(n, 7))
        errors.append(np.sqrt(((slow(new) - predict(fit(x, slow(x)), new)[0]) ** 2).mean()))
    assert errors[0] > errors[1] > errors[2]
