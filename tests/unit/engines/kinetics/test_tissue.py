"""The tissue model against its differential equations, its derivatives against differences, and what it refuses."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gemel.core.errors import InputError, RangeError
from gemel.engines.kinetics.input_function import InputFunction, extended
from gemel.engines.kinetics.input_function_feng import Feng
from gemel.engines.kinetics.tissue import ONE_TISSUE, TRAPPING, TWO_TISSUES, Box, Tissue, per_minute
from gemel.engines.kinetics.tissue_errors import K_i_error_mL_cm3_s, V_T_error_mL_cm3, standard_errors
from gemel.engines.kinetics.tissue_fit import Regions, fit_tissue, frame_means
from gemel.engines.kinetics.tissue_frames import Frames
from gemel.engines.kinetics.tissue_model import respond_to_unit, value_and_slope, workspace

DURATION_S = np.array([10.0] * 12 + [30.0] * 6 + [60.0] * 5 + [300.0] * 10)
FRAMES = Frames(np.cumsum(DURATION_S) - DURATION_S, DURATION_S)
COARSE_S = np.array([0.0, 20.0, 31.0, 45.0, 70.0, 130.0, 300.0, 900.0, 2000.0, 3700.0])
COARSE = InputFunction(COARSE_S, np.array([0.0, 5.0, 60.0, 40.0, 22.0, 15.0, 11.0, 8.0, 5.0, 3.0]), np.linspace(0.0, 9.0, 10))
BRAIN = per_minute(0.1, 0.15, 0.08, 0.03, vB=0.05)
FREE_DELAY = replace(TWO_TISSUES, lower=replace(TWO_TISSUES.lower, delay_s=-20.0), upper=replace(TWO_TISSUES.upper, delay_s=20.0))


def regions(activity: np.ndarray, sd: float | np.ndarray = 1.0, frames: Frames = FRAMES, *, known: bool = False) -> Regions:
    wide = np.broadcast_to(np.asarray(sd, float), (1, activity.shape[1]) if np.ndim(sd) < 2 else activity.shape)
    return Regions(frames, activity, np.array(wide), tuple(f"region {i}" for i in range(len(activity))), sd_known=known)


@pytest.mark.parametrize(
    "tissue", [BRAIN, per_minute(0.5, 0.4), per_minute(0.1, 0.1, 0.06), per_minute(0.2, 3.0, 2.0, 0.9, vB=0.1, delay_s=7.0)]
)
def test_frame_means_solve_the_compartment_equations(tissue: Tissue) -> None:
    """Integrated piece by piece between the kinks of the input, with the frame integrals as further states."""
    K1, k2, k3, k4, vB, delay_s = tissue.rows[0]
    edges_s = np.unique(np.concatenate([FRAMES.edges_s, COARSE_S + delay_s]))

    def slope(t: float, y: np.ndarray) -> list[float]:
        plasma, blood = (np.interp(t - delay_s, COARSE_S, v, left=0.0) for v in (COARSE.plasma_Bq_mL, COARSE.blood_Bq_mL))
        return [K1 * plasma - (k2 + k3) * y[0] + k4 * y[1], k3 * y[0] - k4 * y[1], (1 - vB) * (y[0] + y[1]) + vB * blood]

    states, y = {0.0: 0.0}, np.zeros(3)
    for begin, end in pairwise(edges_s):
        y = solve_ivp(slope, (begin, end), y, rtol=1e-10, atol=1e-12).y[:, -1]
        states[end] = y[2]
    means = [(states[s + d] - states[s]) / d for s, d in zip(FRAMES.start_s, FRAMES.duration_s, strict=True)]
    np.testing.assert_allclose(frame_means(tissue, COARSE, FRAMES)[0], means, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "tissue", [replace(BRAIN, delay_s=3.3), per_minute(0.1, 0.1, 0.06, vB=0.02), per_minute(5.0, 9.0, 8.0, 2.0, vB=0.3)]
)
def test_derivatives_are_those_of_the_means(tissue: Tissue) -> None:
    row, work = tissue.rows[0], workspace(len(DURATION_S))
    respond_to_unit(row, COARSE.knots, FRAMES.edges_s, work)
    slopes = np.empty((len(DURATION_S), 6))
    for n in range(len(DURATION_S)):
        value_and_slope(row, n, work)
        slopes[n] = work[4]
    for i in range(6):
        if row[i] == 0.0 and i < 4:
            continue
        step = 1e-5 * row[i] if i < 4 else 1e-5
        up, down = (Tissue(*(row + sign * step * (np.arange(6) == i))) for sign in (1, -1))
        difference = (frame_means(up, COARSE, FRAMES) - frame_means(down, COARSE, FRAMES))[0] / (2 * step)
        np.testing.assert_allclose(slopes[:, i], difference * (row[i] if i < 4 else 1.0), rtol=1e-5, atol=1e-6, err_msg=str(i))


def test_a_fit_returns_the_tissue_that_made_the_curves() -> None:
    rng = np.random.default_rng(3)
    rates = np.exp(rng.uniform(np.log([0.03, 0.05, 0.02, 0.008]), np.log([0.8, 0.8, 0.3, 0.08]), (40, 4))) / 60
    truth = Tissue(*rates.T, rng.uniform(0.01, 0.12, 40), 0.0)
    found = fit_tissue(regions(frame_means(truth, COARSE, FRAMES)), COARSE)
    assert (found.status == 0).all()
    assert not found.on_bound.any()
    np.testing.assert_allclose(found.tissue.rows[:, :5], truth.rows[:, :5], rtol=1e-6)
    np.testing.assert_allclose(found.tissue.V_T_mL_cm3, truth.V_T_mL_cm3, rtol=1e-8)


def test_the_delay_is_found_and_the_simpler_tissues_too() -> None:
    late = replace(BRAIN, delay_s=np.array([-6.0, 4.0, 11.0]))
    found = fit_tissue(
        regions(frame_means(late, COARSE, Frames(FRAMES.start_s + 20, DURATION_S)), frames=Frames(FRAMES.start_s + 20, DURATION_S)),
        COARSE,
        FREE_DELAY,
    )
    np.testing.assert_allclose(found.tissue.delay_s, late.delay_s, atol=1e-4)
    for box, truth in ((ONE_TISSUE, per_minute(0.7, 0.6, vB=0.1)), (TRAPPING, per_minute(0.1, 0.13, 0.06, vB=0.04))):
        simple = fit_tissue(regions(frame_means(truth, COARSE, FRAMES)), COARSE, box)
        np.testing.assert_allclose(simple.tissue.rows, truth.rows, rtol=1e-6)


def test_standard_errors_are_those_of_repeated_scans() -> None:
    """400 scans of one region: the spread of the fits is what each fit says (sampling error of a spread: 3.5 %)."""
    rng, mean = np.random.default_rng(5), frame_means(replace(BRAIN, vB=0.3), COARSE, FRAMES)
    sd = 0.03 / np.sqrt(DURATION_S / 60)
    scans = np.maximum(mean + rng.normal(size=(400, mean.shape[1])) * sd, 0.0)
    for known in (True, False):
        found = fit_tissue(regions(scans, sd if known else 7.0 * sd, known=known), COARSE)
        said = standard_errors(found)
        assert np.std(np.log(found.tissue.K1_mL_cm3_s)) == pytest.approx(np.median(said.K1_mL_cm3_s / found.tissue.K1_mL_cm3_s), rel=0.12)
        for value, error in (
            (found.tissue.V_T_mL_cm3, V_T_error_mL_cm3(found)),
            (found.tissue.K_i_mL_cm3_s, K_i_error_mL_cm3_s(found)),
        ):
            spread = np.subtract(*np.percentile(value, [75, 25])) / 1.349
            assert spread == pytest.approx(np.median(error), rel=0.2)


def test_what_a_scan_does_not_tell_has_no_error_bar() -> None:
    """Trapped tracer fitted with a release: it ends on its bound, and V_T is unknown while K_i is not."""
    rng, trapped = np.random.default_rng(1), frame_means(per_minute(0.1, 0.13, 0.06, vB=0.04), COARSE, FRAMES)
    found = fit_tissue(regions(trapped * (1 + 0.001 * rng.normal(size=trapped.shape))), COARSE)
    assert found.on_bound[0].tolist() == [False, False, False, True, False, False]
    assert np.isinf(V_T_error_mL_cm3(found)[0])
    assert np.isinf(standard_errors(found).k4_1_s).all()
    assert 0 < K_i_error_mL_cm3_s(found)[0] < 0.1 * found.tissue.K_i_mL_cm3_s[0]
    assert np.isinf(per_minute(0.1, 0.1, 0.05).V_T_mL_cm3)


def test_a_tail_goes_on_as_the_last_samples_do() -> None:
    t_s = np.arange(0.0, 3000.0, 10.0)
    curve = InputFunction(t_s, 9.0 * np.exp(-t_s / 4000), 5.0 * np.exp(-t_s / 8000))
    longer = extended(curve, until_s=5000.0, tail_s=600.0)
    np.testing.assert_allclose(longer.plasma_Bq_mL, 9.0 * np.exp(-longer.t_s / 4000), rtol=1e-9)
    assert longer.blood_Bq_mL is not None
    assert longer.blood_Bq_mL[-1] == pytest.approx(5.0 * np.exp(-5000 / 8000), rel=1e-9)
    assert extended(curve, until_s=2000.0, tail_s=600.0) is curve


def test_bad_input_is_refused() -> None:
    mean = frame_means(BRAIN, COARSE, FRAMES)
    with pytest.raises(RangeError, match="overlap by 5 s"):
        Frames(np.array([0.0, 5.0]), np.array([10.0, 10.0]))
    with pytest.raises(RangeError, match="starts 3 s before"):
        Frames(np.array([-3.0, 10.0]), np.array([10.0, 10.0]))
    with pytest.raises(RangeError, match="not positive in frame 2"):
        Frames(np.array([0.0, 10.0]), np.array([10.0, 0.0]))
    with pytest.raises(RangeError, match="do not increase"):
        InputFunction(np.array([0.0, 5.0, 5.0]), np.ones(3))
    with pytest.raises(RangeError, match="-2 s"):
        InputFunction(np.array([-2.0, 5.0]), np.ones(2))
    with pytest.raises(InputError, match="not a number"):
        InputFunction(np.array([0.0, 5.0]), np.array([1.0, np.nan]))
    with pytest.raises(InputError, match="negative activity of blood"):
        InputFunction(np.array([0.0, 5.0]), np.ones(2), np.array([1.0, -1.0]))
    with pytest.raises(RangeError, match=r"until 61\.67 min of a scan that ends at 70 min"):
        frame_means(BRAIN, COARSE, Frames(np.array([3600.0]), np.array([600.0])))
    with pytest.raises(InputError, match="no whole blood"):
        fit_tissue(regions(mean), replace(COARSE, blood_Bq_mL=None))
    for value, found in ((np.nan, "not a number"), (-1.0, "a negative activity")):
        with pytest.raises(InputError, match=found):
            regions(np.where(np.arange(33) == 7, value, mean))
    with pytest.raises(RangeError, match="5 frames for 5 unknowns"):
        fit_tissue(regions(mean, np.where(np.arange(33) < 28, np.inf, 1.0)), COARSE)
    with pytest.raises(RangeError, match="may be zero"):
        Box("free", per_minute(0.01, 0.01), per_minute(1.0, 1.0, 1.0))


def test_a_frame_left_out_does_not_count() -> None:
    mean = frame_means(BRAIN, COARSE, FRAMES)
    spoilt = np.where(np.arange(33) == 9, 1e6, mean)
    found = fit_tissue(regions(spoilt, np.where(np.arange(33) == 9, np.inf, 1.0)), COARSE)
    np.testing.assert_allclose(found.tissue.rows[0, :5], BRAIN.rows[0, :5], rtol=1e-6)


def test_no_fit_is_better_than_the_one_found() -> None:
    """Noisy scans of a Feng input, fitted again from their true values: no lower χ² there."""
    curve = InputFunction(
        Feng().samples_s(4000.0)[::4], Feng().at(Feng().samples_s(4000.0)[::4]), 1.1 * Feng().at(Feng().samples_s(4000.0)[::4])
    )
    rng, mean = np.random.default_rng(8), frame_means(BRAIN, curve, FRAMES)
    scans = np.maximum(mean * (1 + 0.05 * rng.normal(size=(10, mean.shape[1]))), 0.0)
    found = fit_tissue(regions(scans, 0.05 * mean[0]), curve)
    assert (found.chi2 <= (((scans - mean) / (0.05 * mean)) ** 2).sum(axis=1)).all()
