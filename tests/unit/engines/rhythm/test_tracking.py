"""Online forecasts of an irregular wave: error, coverage, phase, stillness, bad samples."""

from itertools import pairwise

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.engines.rhythm import Signal, Wave, draw_wave, forecast, latest, part, require_in_time, start, train, update
from gemel.engines.rhythm.oscillators import transition

AHEAD_S, STEP_S, TRAINED_S = 0.4, 0.08, 14.0


def followed(signal, ahead_s=AHEAD_S, model=None):
    model = model or train(part(signal, signal.t_s[0], signal.t_s[0] + TRAINED_S))
    tracker = start(model, float(signal.t_s[0]), float(signal.position_mm[0]), horizon_s=ahead_s)
    told = []
    for t_s, z_mm in zip(signal.t_s[1:], signal.position_mm[1:]):
        tracker = update(tracker, float(t_s), float(z_mm))
        told.append(latest(tracker))
    return tracker, told


@pytest.fixture(scope="module")
def short(irregular):
    return followed(part(irregular[0].signal, 0, 16))[0]


@pytest.fixture(scope="module")
def irregular():
    wave = Wave(period_s=3.7, amplitude_mm=11.0, trend_mm_s=0.02, skew=0.0)
    drawn = draw_wave(wave, np.arange(0, 64, STEP_S), np.random.default_rng(41))
    return drawn, followed(drawn.signal)[1]


def scored(drawn, told):
    then_s = np.array([f.t_s for f in told])
    use = (drawn.signal.t_s[1:] > TRAINED_S) & (then_s < drawn.signal.t_s[-1])
    return then_s[use], np.flatnonzero(use)


def test_forecasts_beat_standing_still_and_the_straight_line(irregular):
    drawn, told = irregular
    then_s, use = scored(drawn, told)
    truth = np.interp(then_s, drawn.signal.t_s, drawn.position_mm)
    z = drawn.signal.position_mm
    slope = np.gradient(z, STEP_S)[1:][use]  # central: better than what an online line could know
    own, still, line = (
        np.sqrt(np.mean(np.square(guess - truth)))
        for guess in (np.array([told[i].position_mm for i in use]), z[1:][use], z[1:][use] + AHEAD_S * slope)
    )
    assert own < 0.5 * still
    assert own < 0.6 * line


def test_ninety_per_cent_intervals_hold_what_comes(irregular):
    drawn, told = irregular
    then_s, use = scored(drawn, told)
    seen = np.interp(then_s, drawn.signal.t_s, drawn.signal.position_mm)
    inside = np.mean([told[i].low_mm <= z <= told[i].high_mm for i, z in zip(use, seen)])
    width = np.mean([told[i].high_mm - told[i].low_mm for i in use])
    assert 0.87 <= inside <= 0.93
    assert width < 0.5 * np.ptp(drawn.position_mm)


def test_the_factor_mends_a_model_that_is_sure_without_reason(short):
    wave = Wave(period_s=3.7, amplitude_mm=11.0, coughs_1_min=2.0)
    drawn = draw_wave(wave, np.arange(0, 64, STEP_S), np.random.default_rng(2))
    model = short.model
    sure = type(model)(**{**vars(model), "amplitude_mm": tuple(a / 30 for a in model.amplitude_mm), "swing_mm": model.swing_mm / 30})
    tracker, told = followed(drawn.signal, model=sure)
    then_s, use = scored(drawn, told)
    seen = np.interp(then_s, drawn.signal.t_s, drawn.signal.position_mm)
    assert 0.85 <= np.mean([told[i].low_mm <= z <= told[i].high_mm for i, z in zip(use, seen)]) <= 0.95
    assert tracker.factor > 1.3


def test_phase_is_that_of_the_cycle_and_knows_its_error(irregular):
    drawn, told = irregular
    then_s, use = scored(drawn, told)
    turns = np.interp(then_s, drawn.signal.t_s, np.unwrap(2 * np.pi * drawn.phase)) / (2 * np.pi)
    off = (np.array([told[i].phase for i in use]) - turns + 0.5) % 1 - 0.5
    assert abs(np.median(off)) < 0.05
    assert np.sqrt(np.mean(off**2)) < 0.1
    sd = np.array([told[i].phase_sd for i in use])
    assert np.mean(np.abs(off) < 1.645 * sd) > 0.8


def test_a_regular_wave_is_foreseen_to_a_tenth_of_standing_still():
    t_s = np.arange(0, 40, STEP_S)
    clean = 6 * np.cos(2 * np.pi * t_s / 4.1) + 2 * np.cos(4 * np.pi * t_s / 4.1 + 1)
    noisy = Signal(t_s, clean + 0.1 * np.random.default_rng(3).standard_normal(len(t_s)))
    told = [f for f in followed(noisy)[1] if 20 < f.t_s < 39]
    error = [f.position_mm - np.interp(f.t_s, t_s, clean) for f in told]
    assert np.sqrt(np.mean(np.square(error))) < 0.45


def test_a_still_signal_has_no_phase_and_stays_where_it_is():
    t_s = np.arange(0, 25, STEP_S)
    told = followed(Signal(t_s, 3 + 0.1 * np.random.default_rng(5).standard_normal(len(t_s))))[1][100:][-200:]
    assert np.max(np.abs([f.position_mm - 3 for f in told])) < 0.3
    assert np.median([f.phase_sd for f in told]) > 0.15


@pytest.mark.full
def test_irregular_clocks_change_little():
    clock_s = np.arange(0, 30, STEP_S)
    uneven_s = clock_s + 0.4 * STEP_S * np.random.default_rng(6).uniform(-1, 1, len(clock_s))
    model = train(Signal(clock_s[:200], moved_mm(clock_s[:200])))
    even, uneven = (followed(Signal(t_s, moved_mm(t_s)), model=model)[1] for t_s in (clock_s, uneven_s))
    errors = [np.sqrt(np.mean([(f.position_mm - moved_mm(f.t_s)) ** 2 for f in told if f.t_s > 15])) for told in (even, uneven)]
    assert max(errors) < 0.3
    assert errors[1] < 1.1 * errors[0]


def moved_mm(t_s):
    return 5 * np.cos(2 * np.pi * t_s / 3.3)


def test_a_gap_widens_the_forecast(short):
    near, far = (forecast(short, s).sd_mm for s in (0.1, 0.6))
    assert far > 2 * near
    waited = update(short, short.t_s + 0.8, short.position_mm)
    assert latest(waited).sd_mm > latest(short).sd_mm


@pytest.mark.parametrize(
    "sample, words", [((np.nan, 1.0), "sample"), ((40.0, np.nan), "sample"), ((0.0, 1.0), "clock"), ((90.0, 1.0), "gap")]
)
def test_samples_that_cannot_be_used_are_refused(short, sample, words):
    with pytest.raises(InputError, match=words):
        update(short, *sample)


def test_training_asks_for_three_breaths_and_enough_samples():
    t_s = np.arange(0, 9, STEP_S)
    with pytest.raises(RangeError, match=r"9\.0 s|8\.9 s|at least 12"):
        train(Signal(t_s, np.sin(t_s)))
    with pytest.raises(InputError, match="a sample every"):
        train(Signal(np.arange(0, 30, 0.5), np.sin(np.arange(0, 30, 0.5))))


def test_a_first_sample_says_nothing():
    model = train(Signal(np.arange(0, 13, 0.2), np.sin(np.arange(0, 13, 0.2))))
    with pytest.raises(InputError, match="no sample"):
        latest(start(model, 0.0, 0.0, horizon_s=0.4))
    with pytest.raises(RangeError, match="horizon"):
        start(model, 0.0, 0.0, horizon_s=5.0)


def test_latency_over_budget_is_refused():
    quick = np.full(1000, 0.002)
    assert require_in_time(quick).p99_s == pytest.approx(0.002)
    quick[:20] = 0.2
    with pytest.raises(RangeError, match="budget 50 ms"):
        require_in_time(quick)


def test_steps_of_a_transition_add_up(short):
    model = short.model
    half, whole = transition(model, 0.1), transition(model, 0.2)
    assert np.allclose(half[0] @ half[0], whole[0], atol=1e-12)
    assert np.allclose(half[0] @ half[1] @ half[0].transpose(0, 2, 1) + half[1], whole[1], atol=1e-9 * whole[1].max())


def test_signals_refuse_what_no_sensor_gives():
    t_s = np.arange(0, 5, 0.1)
    for times, values, words in (
        (t_s, np.where(t_s == t_s[7], np.nan, 0.0), "not finite at sample 7"),
        (t_s[::-1], t_s, "does not advance"),
        (np.concatenate([t_s, t_s + 7]), np.zeros(100), "gap of"),
        (t_s[:1], t_s[:1], "shape"),
    ):
        with pytest.raises(InputError, match=words):
            Signal(times, values)
    assert all(a < b for a, b in pairwise(part(Signal(t_s, t_s), 1.0, 2.0).t_s))
