"""Windows, sorted views, displacement, verdict, chain."""

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.engines.inference.uniformity import chi_square_p
from gemel.engines.rhythm import (
    Chain,
    Forecast,
    Signal,
    Tolerance,
    Wave,
    chance_inside,
    displaced,
    draw_wave,
    judge,
    longest,
    narrowest,
    require_reach,
    sort_by_position,
    sort_views,
    window,
)  # fmt: skip

T_S = np.arange(0, 60, 0.05)
TRIANGLE = Signal(T_S, np.abs((T_S / 4.0) % 1.0 - 0.5) * 20)  # uniform between 0 and 10 mm


def test_a_uniform_signal_needs_a_width_equal_to_the_duty_cycle():
    asked = narrowest(TRIANGLE, 0.4)
    assert asked.high_mm - asked.low_mm == pytest.approx(4.0, abs=0.3)
    assert asked.duty_cycle == pytest.approx(0.4, abs=0.02)
    assert asked.residual_mm == pytest.approx(4.0 / np.sqrt(12), rel=0.07)


def test_a_breath_that_rests_below_is_gated_below():
    drawn = draw_wave(Wave(power=3, skew=0.0, drift_mm_sqrt_s=0.0, period_spread=0.05), T_S, np.random.default_rng(0))
    asked = narrowest(drawn.signal, 0.5)
    assert asked.high_mm < 0.25 * drawn.signal.position_mm.max()
    above = narrowest(Signal(T_S, -drawn.signal.position_mm), 0.5)
    assert (above.low_mm, above.high_mm) == pytest.approx((-asked.high_mm, -asked.low_mm), abs=0.05)
    whole = window(drawn.signal, -50, 50)
    assert whole.duty_cycle == 1
    assert whole.residual_mm > 3 * asked.residual_mm


def test_longest_and_narrowest_agree():
    asked = longest(TRIANGLE, 3.0)
    assert asked.duty_cycle == pytest.approx(0.3, abs=0.02)
    assert narrowest(TRIANGLE, asked.duty_cycle).high_mm - narrowest(TRIANGLE, asked.duty_cycle).low_mm <= 3.0 + 1e-9


def test_the_chance_to_be_inside_is_that_of_the_interval():
    told = Forecast(1.0, 5.0, 1.0, 5.0 - 1.6449, 5.0 + 1.6449, 0.0, 0.0)
    inside = window(TRIANGLE, 5.0 - 1.6449, 5.0 + 1.6449)
    assert chance_inside(told, inside) == pytest.approx(0.9, abs=1e-4)


def test_a_closed_window_is_refused():
    with pytest.raises(RangeError, match="never open"):
        window(TRIANGLE, 30.0, 40.0)
    with pytest.raises(RangeError, match="duty cycle"):
        narrowest(TRIANGLE, 1.5)


def test_views_fall_into_the_nearest_phase():
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    phase = (angle * 15 / (2 * np.pi)) % 1.0
    found = sort_views(phase, angle, bins=10)
    assert found.count.sum() == 400
    assert found.count.min() >= 30
    assert found.bin[phase > 0.95].max() == 0
    assert set(found.bin[np.abs(phase - 0.3) < 0.049]) == {3}
    assert (found.largest_gap_rad < 2 * np.pi / 15).all()


def test_sorting_without_a_phase_or_with_an_empty_bin_is_refused():
    angle = np.linspace(0, 6, 50)
    with pytest.raises(RangeError, match=r"known to 0\.29"):
        sort_views(np.zeros(50), angle, bins=4, phase_sd=0.29)
    with pytest.raises(RangeError, match="no view in bin 1"):
        sort_views(np.zeros(50), angle, bins=4)
    with pytest.raises(InputError):
        sort_views(np.full(50, np.nan), angle, bins=4)
    assert (sort_by_position(np.sin(angle), angle, bins=5).count == 10).all()


def test_an_injected_shift_is_recovered_and_stillness_raises_no_alarm():
    rng, alarms, covered = np.random.default_rng(8), [], []
    for _ in range(40):
        wave = Wave(drift_mm_sqrt_s=0.0, amplitude_spread=0.1)
        before, after = (draw_wave(wave, T_S, rng).signal for _ in range(2))
        still = displaced(before, after, period_s=4.0, tolerance_mm=2.0)
        moved = displaced(before, Signal(T_S, after.position_mm + 5.0), period_s=4.0, tolerance_mm=2.0)
        alarms.append((still.alarm, moved.alarm))
        covered.append(abs(moved.mean_mm - 5.0) < 1.645 * moved.sd_mm)
    assert not any(a for a, _ in alarms)
    assert all(b for _, b in alarms)
    assert 0.75 <= np.mean(covered) <= 0.99


def test_too_few_cycles_tell_no_shift():
    with pytest.raises(RangeError, match="3 whole periods"):
        displaced(TRIANGLE, Signal(T_S[:100], np.zeros(100)), period_s=4.0, tolerance_mm=1.0)


def test_the_probability_to_ask_again_is_calibrated():
    rng, told, truth, held = np.random.default_rng(9), [], [], []
    t_s, tolerance = np.arange(200) * 0.3, Tolerance(3.0, 0.3)
    for _ in range(100):
        known = rng.normal(0, 1.5, 200) + rng.uniform(0, 3)
        sd = np.full(200, 1.5)
        kept = np.exp(-0.3 / 8)
        error = np.empty(200)
        error[0] = rng.standard_normal()
        for i in range(1, 200):
            error[i] = kept * error[i - 1] + np.sqrt(1 - kept**2) * rng.standard_normal()
        verdict, share = judge(known, sd, t_s, tolerance, memory_s=8.0, rng=rng), np.mean(np.abs(known + sd * error) > 3.0)
        told.append(verdict.probability)
        truth.append(share > 0.3)
        held.append(verdict.low <= share <= verdict.high)
    told, truth = np.array(told), np.array(truth)
    ranks = np.where(truth, rng.uniform(size=100) * told, told + rng.uniform(size=100) * (1 - told))  # randomised ranks
    assert 0.1 < truth.mean() < 0.9
    assert chi_square_p(ranks, 5) > 0.01
    assert 0.82 <= np.mean(held) <= 0.97
    assert np.mean((told - truth) ** 2) < 0.7 * truth.mean() * (1 - truth.mean())


def test_a_still_scan_is_kept_and_a_wild_one_is_asked_for_again():
    rng, t_s = np.random.default_rng(1), np.arange(100) * 0.3
    still = judge(np.zeros(100), np.full(100, 0.3), t_s, Tolerance(3.0, 0.1), rng=rng)
    wild = judge(8 * np.sin(t_s), np.full(100, 0.3), t_s, Tolerance(3.0, 0.1), rng=rng)
    assert (still.again, still.probability) == (False, 0.0)
    assert (wild.again, wild.probability) == (True, 1.0)
    with pytest.raises(InputError, match="not finite"):
        judge(np.full(100, np.nan), np.ones(100), t_s, Tolerance(3.0, 0.1), rng=rng)


def test_a_forecast_must_reach_beyond_the_chain():
    require_reach(Chain(0.03, 0.005, 0.2), 0.4)
    with pytest.raises(RangeError, match="chain of 435 ms behind a forecast of 400 ms"):
        require_reach(Chain(0.2, 0.035, 0.2), 0.4)
