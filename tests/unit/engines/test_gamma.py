"""Gamma: exact where it can be worked out by hand, and what is refused."""

import numba
import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.engines.gamma import gamma_map, pass_rate

ONES = np.ones((8, 8, 8))
MM = (1.0, 1.0, 1.0)


def test_a_dose_agrees_with_itself() -> None:
    dose = np.random.default_rng(0).random((9, 9, 9))
    assert pass_rate(dose, dose, MM, 1.0, 1.0, 10.0) == 100.0
    assert np.nanmax(gamma_map(dose, dose, MM, 1.0, 1.0, 10.0)) == 0.0


@pytest.mark.parametrize(("factor", "expected"), [(1.019, 100.0), (1.021, 0.0), (0.981, 100.0), (0.979, 0.0)])
def test_in_a_flat_dose_only_the_dose_criterion_counts(factor: float, expected: float) -> None:
    assert pass_rate(ONES, factor * ONES, MM, 2.0, 2.0, 10.0) == expected


@pytest.mark.parametrize("factor", [1.01, 1.03])
def test_gamma_of_a_flat_dose_is_the_difference_in_criteria(factor: float) -> None:
    assert gamma_map(ONES, factor * ONES, MM, 2.0, 2.0, 10.0) == pytest.approx((factor - 1) / 0.02, rel=1e-4)


def test_gamma_of_a_shifted_ramp_is_the_length_of_the_perpendicular() -> None:
    """For a ramp of slope s shifted by t: γ = |st|/δD / √(1 + (s δr/δD)²)."""
    slope, shift, dD, dr = 0.02, 1.3, 0.02 * 2.0, 2.0
    x = np.arange(60.0)[:, None, None] * np.ones((1, 9, 9))
    reference = 0.5 + slope * x
    reference = np.minimum(reference, 2.0)
    reference[-1] = 2.0
    evaluated = reference + slope * shift
    expected = slope * shift / dD / np.sqrt(1 + (slope * dr / dD) ** 2)
    assert gamma_map(reference, evaluated, MM, 2.0, dr, 10.0)[20:40, 3:6, 3:6] == pytest.approx(expected, rel=0.03)


def test_voxels_below_the_cut_off_are_not_judged() -> None:
    reference, evaluated = ONES.copy(), ONES.copy()
    reference[:4], evaluated[:4] = 0.09, 0.5
    assert pass_rate(reference, evaluated, MM, 2.0, 1.0, 10.0) == 100.0
    assert np.isnan(gamma_map(reference, evaluated, MM, 2.0, 1.0, 10.0)[:4]).all()
    assert pass_rate(reference, evaluated, MM, 2.0, 1.0, 5.0) == pytest.approx(50.0)


def test_thin_grids_are_searched_in_their_plane() -> None:
    x = np.arange(40.0)
    wave = np.sin(x / 4)[:, None, None] * np.ones((1, 20, 1)) + 2.0
    moved = np.sin((x - 0.8) / 4)[:, None, None] * np.ones((1, 20, 1)) + 2.0
    for shape in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        there, back = (np.ascontiguousarray(d.transpose(shape)) for d in (wave, moved))
        assert pass_rate(there, back, MM, 1.0, 1.0, 10.0) > 95
        assert pass_rate(there, back, MM, 1.0, 0.5, 10.0) < 60
    line = np.ascontiguousarray(wave[:, :1])
    assert pass_rate(line, np.ascontiguousarray(moved[:, :1]), MM, 1.0, 1.0, 10.0) > 95


def test_bad_input_is_refused() -> None:
    call = getattr(pass_rate, "__wrapped__", pass_rate)
    with pytest.raises((GeometryError, TypeError)):
        call(ONES, ONES[:4], MM, 2.0, 2.0, 10.0)
    with pytest.raises(RangeError, match="zero everywhere"):
        pass_rate(0 * ONES, ONES, MM, 2.0, 2.0, 10.0)
    with pytest.raises(RangeError, match="not finite"):
        pass_rate(ONES, np.nan * ONES, MM, 2.0, 2.0, 10.0)
    for reference, evaluated in ((np.where(ONES.cumsum().reshape(8, 8, 8) == 7, np.nan, 1.0), ONES), (ONES, np.inf * ONES)):
        with pytest.raises(RangeError, match="not finite"):
            pass_rate(reference, evaluated, MM, 2.0, 2.0, 10.0)
    for dose_pct, dist_mm, cutoff_pct in ((0.0, 2.0, 10.0), (2.0, -1.0, 10.0), (np.inf, 2.0, 10.0), (2.0, np.nan, 10.0), (2.0, 2.0, 100.0)):
        with pytest.raises(RangeError, match="criteria"):
            pass_rate(ONES, ONES, MM, dose_pct, dist_mm, cutoff_pct)
    for spacing_mm in ((1.0, np.nan, 1.0), (1.0, 0.0, 1.0), (1.0, np.inf, 1.0)):
        with pytest.raises(RangeError, match="criteria"):
            gamma_map(ONES, ONES, spacing_mm, 2.0, 2.0, 10.0)
    with pytest.raises((GeometryError, TypeError)):  # under pytest the shape checker sees it first
        pass_rate(ONES, ONES, (1.0, 1.0), 2.0, 2.0, 10.0)
    with pytest.raises(GeometryError, match="with 3 spacings"):
        pass_rate(ONES[:0], ONES[:0], MM, 2.0, 2.0, 10.0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_uneven_spacing_is_that_of_each_axis(axis: int) -> None:
    """A ramp along one axis, moved: γ = |st|/δD / √(1 + (s δr/δD)²) with the slope s in Gy/mm of that axis, whatever the others are."""
    spacing_mm = np.roll([4.0, 1.0, 2.5], axis)  # 4 mm along the ramp
    ramp = np.moveaxis(100.0 + np.arange(30.0)[:, None, None] * np.ones((1, 6, 6)), 0, axis)
    difference, dD, dr, slope = 0.25, 0.002 * 129.0, 3.0, 1.0 / 4.0
    gamma = gamma_map(ramp, ramp + difference, tuple(spacing_mm.tolist()), 0.2, dr, 10.0)
    inner = np.moveaxis(gamma, axis, 0)[2:-2, 1:-1, 1:-1]
    assert inner == pytest.approx(difference / dD / np.sqrt(1 + (slope * dr / dD) ** 2), rel=0.03)


def test_the_dose_criterion_is_global() -> None:
    """5 % off where the dose is a fifth of the maximum is 1 % of the maximum: it passes 2 %, and would not by the local criterion."""
    reference = np.where(np.arange(8)[:, None, None] < 4, 1.0, 0.2) * ONES
    evaluated = np.where(reference < 1, 1.05, 1.0) * reference
    assert pass_rate(reference, evaluated, MM, 2.0, 0.1, 10.0) == 100.0
    assert np.nanmax(gamma_map(reference, evaluated, MM, 2.0, 0.1, 10.0)) == pytest.approx(0.5, rel=1e-4)


def test_voxels_beyond_the_evaluated_values_and_tiny_or_huge_doses_are_judged_alike() -> None:
    dose = 0.5 + np.random.default_rng(1).random((9, 8, 7))
    other = dose * (1 + 0.02 * np.random.default_rng(2).standard_normal(dose.shape))
    rate = pass_rate(dose, other, MM, 2.0, 1.0, 10.0)
    assert 5 < rate < 99.9
    for scale in (1e-12, 1e9):
        assert pass_rate(scale * dose, scale * other, MM, 2.0, 1.0, 10.0) == rate
    assert pass_rate(np.asfortranarray(dose), np.asfortranarray(other), MM, 2.0, 1.0, 10.0) == rate


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    dose = np.random.default_rng(1).random((12, 11, 10))
    other = dose + 0.05 * np.random.default_rng(2).standard_normal(dose.shape)
    before = numba.get_num_threads()
    maps = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        maps.append(gamma_map(dose, other, MM, 2.0, 2.0, 10.0))
    assert np.array_equal(*maps, equal_nan=True)
