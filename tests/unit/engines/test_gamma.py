"""Gamma: exact where it can be worked out by hand, and what is refused."""

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
    with pytest.raises(RangeError, match="criteria"):
        pass_rate(ONES, ONES, MM, 0.0, 2.0, 10.0)
