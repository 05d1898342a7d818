"""Faults told from residuals: the right component, shape and size, nothing where there is nothing; charts of several metrics."""

import numpy as np
import pytest
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.engines.inference.charts.faults import Faults, ahead, faults, shares
from gemel.engines.inference.charts.joint import SILENT
from gemel.engines.inference.charts.monitor import first_alarm, monitor, watch

RESPONSE = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
SIZE, PHI = np.array([4.0, 4.0]), np.array([0.3, 0.0, 0.5])


def series(days: int, departure: Float[Array, "days 2"], seed: int) -> Float[Array, "days 3"]:
    noise = np.random.default_rng(seed).standard_normal((days, 3))
    found = noise / np.sqrt(1 - PHI**2)
    for t in range(1, days):
        found[t] = PHI * found[t - 1] + noise[t]
    return np.asarray(found + departure @ RESPONSE.T)


def told(component: int, ramp: bool, size: float, seed: int = 0, days: int = 40, onset: int = 20) -> Faults:
    age = np.arange(days) - onset
    departure = np.zeros((days, 2))
    departure[:, component] = size * (np.maximum(age, 0) / 30.0 if ramp else age >= 0)
    return faults(series(days, departure, seed), RESPONSE, SIZE, phi=PHI)


@pytest.mark.parametrize("component", [0, 1])
@pytest.mark.parametrize(("ramp", "size"), [(False, 3.0), (True, 12.0)])
def test_the_component_that_departs_is_named(component: int, ramp: bool, size: float) -> None:
    right = [shares(told(component, ramp, size, seed), 2)[component] for seed in range(12)]
    assert np.median(right) > 0.95
    assert told(component, ramp, size).probability[0] < 0.01


def test_size_and_onset_of_a_step_are_found() -> None:
    found = told(0, False, 3.0)
    best = int(np.argmax(found.probability))
    assert (found.component[best], found.shape[best]) == (0, 0)
    assert abs(int(found.onset[best]) - 20) <= 2
    assert found.effect[best] == pytest.approx(3.0, abs=3 * found.sd[best])
    later = ahead(found, np.array([0.0, 10.0]), 2, draws=4000, rng=np.random.default_rng(1))
    assert later[:, :, 0].mean(axis=0) == pytest.approx([3.0, 3.0], abs=0.6)
    assert np.abs(later[:, :, 1]).mean() < 0.1


def test_a_ramp_goes_on() -> None:
    later = ahead(told(1, True, 12.0, days=50), np.array([0.0, 30.0]), 2, draws=4000, rng=np.random.default_rng(1))
    assert np.median(later[:, 0, 1]) == pytest.approx(29 * 0.4, rel=0.15)
    assert np.median(later[:, 1, 1]) == pytest.approx(59 * 0.4, rel=0.2)


def test_nothing_is_taken_for_nothing_and_shares_stay_even() -> None:
    none = [told(0, False, 0.0, seed).probability[0] for seed in range(40)]
    assert np.mean(none) > 0.6  # half before the data
    assert min(none) < 0.9


def test_days_that_were_not_measured_say_nothing() -> None:
    y = series(40, np.zeros((40, 2)), 3)
    y[25:, :] += 3.0 * RESPONSE[:, 0]
    gaps = y.copy()
    gaps[20:25, 1] = np.nan
    assert shares(faults(gaps, RESPONSE, SIZE, phi=PHI), 2)[0] > 0.9
    gaps[:] = np.nan
    assert faults(gaps, RESPONSE, SIZE, phi=PHI).probability[0] == pytest.approx(0.5)


def test_too_few_days_are_refused() -> None:
    with pytest.raises(InputError, match="1 days"):
        faults(np.zeros((1, 3)), RESPONSE, SIZE, phi=PHI)
    with pytest.raises(InputError, match="14 baseline days"):
        monitor(np.zeros((14, 3)), RESPONSE, run_length_d=250.0, rng=np.random.default_rng(1))


def test_charts_see_a_step_and_leave_out_what_no_metric_shows() -> None:
    y = series(130, np.zeros((130, 2)), 5)
    y[60:] += 8.0 * RESPONSE[:, 1]
    held = monitor(y[:40], RESPONSE, run_length_d=250.0, rng=np.random.default_rng(1))
    alarm = watch(held, y[40:], np.arange(90.0)).alarm
    assert first_alarm(alarm[:20]) == -1
    assert 0 <= first_alarm(alarm[20:]) <= 3
    unseen = y.copy()
    unseen[3, 1:] = np.nan
    part = monitor(unseen[:40], RESPONSE, run_length_d=250.0, rng=np.random.default_rng(1))
    assert part.charted.tolist() == [True, False]
    assert np.isnan(part.metrics[1:]).all()
    assert (held.limits < SILENT).any()
