"""Lea–Catcheside factors: curves, samples and courses of cycles."""

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.systems.theranostics.protraction import Cycle, protraction_factor, protraction_of_cycles, quadratic_dose_Gy2
from gemel.systems.theranostics.protraction_sampled import protraction_of_samples
from gemel.systems.theranostics.radiobiology import bed_Gy, bed_of_cycles_Gy

LN2 = np.log(2.0)


def cycle(dose_Gy: float, T_eff_h: float, start_h: float = 0.0) -> Cycle:
    return Cycle(np.array([dose_Gy * LN2 / T_eff_h]), np.array([T_eff_h]), start_h)


def by_brute_force(times_h: np.ndarray, rate: np.ndarray, T_rep_h: float) -> float:
    """2 ∫ Ḋ c dt with c' = Ḋ − μc by the trapezoid rule on a fine even grid."""
    step, fade = times_h[1] - times_h[0], 0.5 ** ((times_h[1] - times_h[0]) / T_rep_h)
    pool = np.zeros_like(rate)
    for i in range(1, len(rate)):
        pool[i] = pool[i - 1] * fade + 0.5 * step * (rate[i - 1] * fade + rate[i])
    return float(2 * np.trapezoid(rate * pool, times_h))


def test_one_cycle_is_the_closed_formula() -> None:
    assert bed_of_cycles_Gy([cycle(5.0, 50.0)], 2.8, 2.5) == pytest.approx(bed_Gy(5.0, 50.0, 2.8, 2.5), rel=1e-13)


def test_two_cycles_against_brute_force() -> None:
    """Uptake and clearance, a second cycle after 40 h with residual activity."""
    first = Cycle(np.array([1.0, -1.0]), np.array([30.0, 3.0]))
    second = Cycle(np.array([0.7, -0.2]), np.array([25.0, 5.0]), 40.0)
    times = np.arange(0.0, 600.0, 0.01)
    rate = 0.5 ** (times / 30) - 0.5 ** (times / 3)
    after = times >= 40.0
    since = times[after] - 40.0
    rate[after] += 0.7 * 0.5 ** (since / 25) - 0.2 * 0.5 ** (since / 5)
    assert float(quadratic_dose_Gy2([first, second], 6.0)) == pytest.approx(by_brute_force(times, rate, 6.0), rel=2e-4)
    assert float(quadratic_dose_Gy2([second, first], 6.0)) == pytest.approx(float(quadratic_dose_Gy2([first, second], 6.0)), rel=1e-14)


def test_repair_as_fast_as_decay_is_no_singularity() -> None:
    """μ = λ: between its neighbours."""
    values = [float(quadratic_dose_Gy2([cycle(3.0, T), cycle(2.0, 5.0, 7.0)], 5.0)) for T in (5.0 - 1e-5, 5.0, 5.0 + 1e-5)]
    assert values[1] == pytest.approx(0.5 * (values[0] + values[2]), rel=1e-9)


def test_samples_of_an_exponential_have_its_factor() -> None:
    times = np.linspace(0.0, 40.0, 41)
    found = protraction_of_samples(times, 0.5 ** (times / 50.0), 2.8, T_tail_h=50.0)
    assert found == pytest.approx(2.8 / 52.8, rel=2e-4)


@pytest.mark.parametrize("T_rep_h", [0.01, 0.5, 0.7, 2.8, 100.0])
def test_lines_between_samples_are_integrated_exactly(T_rep_h: float) -> None:
    """More points on the same lines change nothing, whether pieces are short or long against repair."""
    coarse_h, coarse = np.array([0.0, 1.0, 4.0, 10.0]), np.array([0.0, 3.0, 1.0, 0.5])
    fine_h = np.unique(np.concatenate([np.linspace(0.0, 10.0, 301), coarse_h]))
    fine = np.interp(fine_h, coarse_h, coarse)
    assert protraction_of_samples(coarse_h, coarse, T_rep_h) == pytest.approx(protraction_of_samples(fine_h, fine, T_rep_h), rel=1e-10)


def test_a_constant_rate_has_the_textbook_factor() -> None:
    """G = 2(x − 1 + e^{−x})/x², x = μT. Dale 1985."""
    for hours in (0.1, 3.0, 60.0):
        x = LN2 / 2.8 * hours
        found = protraction_of_samples([0.0, hours], [2.0, 2.0], 2.8)
        assert found == pytest.approx(2 * (x - 1 + np.exp(-x)) / x**2, rel=1e-9)


def test_voxels_follow_the_terms() -> None:
    amplitudes = np.random.default_rng(3).uniform(0.5, 1.0, (2, 3, 4))
    found = protraction_of_cycles([Cycle(amplitudes, np.array([50.0, 5.0])), Cycle(amplitudes, np.array([40.0, 4.0]), 30.0)], 2.8)
    alone = [Cycle(amplitudes[:, 1, 2], np.array([50.0, 5.0])), Cycle(amplitudes[:, 1, 2], np.array([40.0, 4.0]), 30.0)]
    assert np.shape(found) == (3, 4)
    assert np.asarray(found)[1, 2] == pytest.approx(protraction_of_cycles(alone, 2.8), rel=1e-13)
    sampled = protraction_of_samples([0.0, 5.0, 9.0], np.ones((3, 2, 2)), 2.8)
    assert np.shape(sampled) == (2, 2)


@pytest.mark.parametrize(
    ("amplitudes", "T_eff_h", "T_rep_h"),
    [
        ([1.0], [-5.0], 2.8),
        ([1.0, -2.0], [50.0, 2.0], 2.8),
        ([1.0], [50.0, 2.0], 2.8),
        ([float("nan")], [50.0], 2.8),
        ([1.0], [5.0], 0.0),
        ([0.0], [5.0], 2.8),
    ],
)
def test_impossible_curves_are_refused(amplitudes: list[float], T_eff_h: list[float], T_rep_h: float) -> None:
    with pytest.raises(RangeError):
        protraction_factor(amplitudes, T_eff_h, T_rep_h)


@pytest.mark.parametrize(
    ("t_h", "rate"),
    [
        ([0.0], [1.0]),
        ([0.0, 0.0], [1.0, 1.0]),
        ([0.0, 1.0], [1.0, -1.0]),
        ([0.0, 1.0], [1.0]),
        ([0.0, 1.0], 1.0),
        ([0.0, 1.0], [0.0, 0.0]),
    ],
)
def test_impossible_samples_are_refused(t_h: list[float], rate: list[float] | float) -> None:
    with pytest.raises(RangeError):
        protraction_of_samples(t_h, rate, 2.8)
