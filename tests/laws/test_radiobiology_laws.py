"""Limits and additivity of dose protraction."""

import numpy as np
import pytest

from gemel.systems.theranostics.protraction import Cycle, protraction_factor, quadratic_dose_Gy2
from gemel.systems.theranostics.protraction_sampled import protraction_of_samples
from gemel.systems.theranostics.radiobiology import bed_Gy, bed_of_cycles_Gy


def cycle(start_h: float, scale: float = 1.0) -> Cycle:
    return Cycle(scale * np.array([0.07, -0.05]), np.array([50.0, 2.0]), start_h)


def test_instant_repair_leaves_the_dose_alone() -> None:
    assert protraction_factor([1.0, -1.0], [50.0, 2.0], 1e-9) < 1e-9
    assert bed_Gy(20.0, 50.0, 1e-9, 2.5) == pytest.approx(20.0, rel=1e-8)


def test_an_instant_dose_is_acute() -> None:
    assert protraction_factor([1.0], [1e-9], 2.8) == pytest.approx(1.0, abs=1e-8)
    assert bed_Gy(20.0, 1e-9, 2.8, 2.5) == pytest.approx(20.0 * (1 + 20.0 / 2.5), rel=1e-8)


def test_no_factor_leaves_zero_to_one() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        T = np.sort(rng.uniform(0.5, 100.0, 3))[::-1]
        found = float(np.asarray(protraction_factor([1.0, rng.uniform(0, 1), -rng.uniform(0, 1)], T, rng.uniform(0.1, 50.0))))
        assert 0 < found < 1


def test_cycles_far_apart_add() -> None:
    apart = [cycle(5000.0 * k) for k in range(6)]
    assert bed_of_cycles_Gy(apart, 2.8, 2.5) == pytest.approx(6 * float(np.asarray(bed_of_cycles_Gy([cycle(0.0)], 2.8, 2.5))), rel=1e-9)


def test_cycles_at_once_are_one_cycle() -> None:
    together = float(quadratic_dose_Gy2([cycle(0.0), cycle(0.0), cycle(0.0)], 2.8))
    assert together == pytest.approx(float(quadratic_dose_Gy2([cycle(0.0, 3.0)], 2.8)), rel=1e-12)


def test_the_closer_the_cycles_the_greater_the_effect() -> None:
    beds = [float(np.asarray(bed_of_cycles_Gy([cycle(0.0), cycle(gap)], 2.8, 2.5))) for gap in (0.0, 1.0, 10.0, 100.0, 1000.0)]
    assert beds == sorted(beds, reverse=True)


def test_time_has_no_unit_of_its_own() -> None:
    """Rescaling every time leaves G: minutes for hours."""
    assert protraction_factor([1.0, -0.4], [3000.0, 120.0], 168.0) == pytest.approx(
        protraction_factor([1.0, -0.4], [50.0, 2.0], 2.8), rel=1e-12
    )


def test_samples_converge_to_the_curve_in_the_second_order() -> None:
    exact = float(np.asarray(protraction_factor([1.0, -0.5], [50.0, 10.0], 2.8)))

    def error(points: int) -> float:
        times = np.linspace(0.0, 500.0, points)
        rate = 0.5 ** (times / 50) - 0.5 * 0.5 ** (times / 10)
        return abs(float(np.asarray(protraction_of_samples(times, rate, 2.8, T_tail_h=50.0))) - exact)

    assert np.log2(error(201) / error(401)) == pytest.approx(2.0, abs=0.05)
