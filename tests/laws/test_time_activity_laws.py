"""Time–activity curves: unit laws, shared factors, coverage of the averaged posterior."""

import math

import numpy as np
import pytest

from gemel.engines.inference.calibration import coverage
from gemel.engines.kinetics import MONO, Hypothesis, Scans, fit, posterior, shared_covariance, with_factors

H = 3600.0
LU_s = 574300.8
PATIENTS = 600


def population(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Slow and fast half-lives in hours, whether the fast phase is uptake (coefficient -1) or washout, and amplitudes."""
    slow_h = np.minimum(60 * np.exp(0.35 * rng.standard_normal(PATIENTS)), 155.0)
    uptake = rng.random(PATIENTS) < 0.5
    fast_h = np.where(uptake, 3 * np.exp(0.5 * rng.standard_normal(PATIENTS)), 0.15 * slow_h)
    return slow_h, fast_h, np.where(uptake, -1.0, 0.43), 1e7 * np.exp(rng.standard_normal(PATIENTS))


@pytest.mark.parametrize("noise", [0.05, 0.1])
def test_ninety_per_cent_intervals_hold_ninety_per_cent_of_the_truths(noise: float) -> None:
    """Half the curves have uptake, half two washouts; nobody tells the fit which. Scans at 4, 24, 72 and 168 h."""
    rng = np.random.default_rng(11)
    slow_h, fast_h, share, amplitude = population(rng)
    t_h = np.array([4.0, 24.0, 72.0, 168.0])
    truth = amplitude[:, None] * (2 ** (-t_h / slow_h[:, None]) + share[:, None] * 2 ** (-t_h / fast_h[:, None]))
    seen = np.abs(truth * (1 + noise * rng.standard_normal(truth.shape)))
    scans = Scans(t_h * H, seen, noise * seen, tuple(map(str, range(PATIENTS))))
    draws = posterior(scans, LU_s, draws=300, rng=rng).tia_Bq_s
    low, high = np.percentile(draws, [5, 95], axis=0)
    integral = amplitude * (slow_h + share * fast_h) * H / math.log(2)
    assert 0.85 <= coverage(low, high, integral).fraction <= 0.95
    assert np.median((high - low) / integral) < 4.5 * noise  # an interval that is not bought by width
    assert abs(np.median(draws.mean(axis=0) / integral) - 1) < 0.3 * noise


@pytest.mark.parametrize("hours", [(24.0, 72.0, 168.0), (48.0, 96.0, 168.0), (24.0, 96.0)])
def test_intervals_hold_the_truth_when_no_scan_saw_the_early_phase(hours: tuple[float, ...]) -> None:
    """The same patients, first seen after a day or two: with shapes that need a scan for each unknown 61 to 72 % were held."""
    rng = np.random.default_rng(11)
    slow_h, fast_h, share, amplitude = population(rng)
    t_h, noise = np.array(hours), 0.05
    truth = amplitude[:, None] * (2 ** (-t_h / slow_h[:, None]) + share[:, None] * 2 ** (-t_h / fast_h[:, None]))
    seen = np.abs(truth * (1 + noise * rng.standard_normal(truth.shape)))
    scans = Scans(t_h * H, seen, noise * seen, tuple(map(str, range(PATIENTS))))
    draws = posterior(scans, LU_s, draws=300, rng=rng).tia_Bq_s
    low, high = np.percentile(draws, [5, 95], axis=0)
    integral = amplitude * (slow_h + share * fast_h) * H / math.log(2)
    assert 0.85 <= coverage(low, high, integral).fraction <= 0.95
    assert np.median((high - low) / integral) < 0.45
    assert abs(np.median(draws.mean(axis=0) / integral) - 1) < 0.05


def two_regions() -> Scans:
    t_h = np.array([4.0, 24.0, 72.0, 168.0])
    y = np.stack([1e6 * 2 ** (-t_h / 50), 3e6 * 2 ** (-t_h / 80)])
    return Scans(t_h * H, y, 0.05 * y, ("a", "b"))


def test_another_unit_of_activity_scales_the_answer() -> None:
    held = two_regions()
    scaled = Scans(held.t_s, 1e-6 * held.activity_Bq, 1e-6 * held.sd_Bq, held.names)
    a, b = (posterior(s, LU_s, draws=200, rng=np.random.default_rng(0)).tia_Bq_s for s in (held, scaled))
    np.testing.assert_allclose(b, 1e-6 * a, rtol=1e-5)


def test_another_unit_of_time_scales_the_answer() -> None:
    held = two_regions()
    slower = Scans(7.0 * held.t_s, held.activity_Bq, held.sd_Bq, held.names)
    a = posterior(held, LU_s, draws=200, rng=np.random.default_rng(0)).tia_Bq_s
    b = posterior(slower, 7.0 * LU_s, draws=200, rng=np.random.default_rng(0)).tia_Bq_s
    np.testing.assert_allclose(b, 7.0 * a, rtol=1e-5)


def test_the_answer_is_that_of_any_number_of_threads() -> None:
    import numba

    rng = np.random.default_rng(1)
    y = 1e3 * np.exp(-rng.uniform(0, 1, (2000, 1)) * np.arange(1, 5)) * (1 + 0.05 * rng.standard_normal((2000, 4)))
    t_s = np.array([4.0, 24.0, 72.0, 168.0]) * H
    before = numba.get_num_threads()
    found = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        found.append(fit(t_s, y, sd_Bq=np.full((1, 4), 10.0), hypothesis=Hypothesis(MONO, LU_s)).log_parameters)
    np.testing.assert_array_equal(*found)


def test_a_shared_calibration_correlates_the_regions_and_does_not_average_out() -> None:
    rng = np.random.default_rng(2)
    held = posterior(two_regions(), LU_s, draws=4000, rng=rng)
    apart = np.corrcoef(held.tia_Bq_s, rowvar=False)[0, 1]
    assert abs(apart) < 0.05
    joint = with_factors(held, shared_covariance(0.10, np.array([0.03, 0.05])), rng)
    own = held.tia_Bq_s.std(axis=0) / held.mean_Bq_s
    expected = np.sqrt(own**2 + 0.10**2 + np.array([0.03, 0.05]) ** 2)
    np.testing.assert_allclose(np.sqrt(np.diag(joint.covariance)) / joint.mean_Bq_s, expected, rtol=0.05)
    correlation = joint.covariance[0, 1] / math.sqrt(joint.covariance[0, 0] * joint.covariance[1, 1])
    assert correlation == pytest.approx(0.01 / (expected[0] * expected[1]), abs=0.05)
    np.testing.assert_allclose(joint.mean_Bq_s, held.mean_Bq_s, rtol=0.004)
