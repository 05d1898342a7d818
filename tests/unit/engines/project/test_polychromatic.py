"""Spectra behind materials, and what few counts do to their logarithm."""

import numpy as np
import pytest
from scipy.stats import poisson

from gemel.engines.project.polychromatic import STARVED, Beam, log_bias, log_variance, polychromatic, starved

RNG = np.random.default_rng(3)
MU = RNG.uniform(0.01, 0.06, (3, 25))
LINES = RNG.uniform(0, 1, (7, 5, 3)) * (300, 40, 5)
BEAM = Beam(RNG.uniform(0.5, 2, 25) * 1e4, np.linspace(20, 120, 25))


def test_is_the_sum_over_energies():
    through = np.exp(-LINES @ MU) * BEAM.photons
    found = polychromatic(LINES, BEAM, mu_1_mm=MU)
    np.testing.assert_allclose(found.mean, through @ BEAM.response, rtol=3e-6)
    np.testing.assert_allclose(found.variance, through @ BEAM.response**2, rtol=3e-6)
    np.testing.assert_allclose(found.log_integral, -np.log((through @ BEAM.response) / BEAM.open_signal), atol=3e-6)


def test_one_energy_gives_the_line_integral_and_poisson_counts():
    found = polychromatic(LINES[..., :1], Beam(np.array([2e5]), np.ones(1)), mu_1_mm=np.array([[0.02]]))
    np.testing.assert_allclose(found.log_integral, 0.02 * LINES[..., 0], atol=2e-6)
    np.testing.assert_allclose(found.counts, 2e5 * np.exp(-0.02 * LINES[..., 0]), rtol=3e-6)


def test_a_beam_hardens_and_weighing_by_energy_costs_counts():
    falling = np.linspace(0.06, 0.02, 25)[None, :]
    thin, thick = (float(polychromatic(np.array([[d]]), BEAM, mu_1_mm=falling).log_integral[0]) / d for d in (1.0, 200.0))
    assert thick < 0.9 * thin
    counted = polychromatic(np.array([[10.0]]), Beam(BEAM.photons, np.ones(25)), mu_1_mm=falling).counts[0]
    weighed = polychromatic(np.array([[10.0]]), BEAM, mu_1_mm=falling).counts[0]
    assert 0.7 * counted < weighed < 0.99 * counted


@pytest.mark.parametrize("mean", [STARVED, 60.0, 600.0])
def test_the_logarithm_of_counts_is_biased_and_spread_as_said(mean):
    """Against the exact sum over Poisson's law, no count read as one; at STARVED the bias is good to 1 %, the deviation to 6 %."""
    k = np.arange(int(mean + 30 * np.sqrt(mean)) + 30)
    p, log = poisson.pmf(k, mean), -np.log(np.maximum(k, 1) / mean)
    bias = float(p @ log)
    assert log_bias(np.array([mean]))[0] == pytest.approx(bias, rel=4.0 / mean**2)
    assert np.sqrt(log_variance(np.array([mean])))[0] == pytest.approx(np.sqrt(p @ (log - bias) ** 2), rel=1.2 / mean)


def test_few_counts_are_flagged_and_dark_noise_adds():
    np.testing.assert_array_equal(starved(np.array([STARVED - 1, STARVED, 1e4])), [True, False, False])
    assert log_variance(np.array([100.0]), dark_variance=50.0)[0] == pytest.approx(0.015)
