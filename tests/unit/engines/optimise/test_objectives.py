"""Objectives: values worked out by hand, analytic gradients against finite differences, and what is refused."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.engines.optimise import (
    MaxDVH,
    MaxEUD,
    MeanDose,
    MinDVH,
    MinEUD,
    SquaredDeviation,
    SquaredOverdose,
    SquaredUnderdose,
    value_and_gradient,
)

ROWS = np.array([1, 3, 4, 6])
DOSE = np.array([99.0, 8.0, 99.0, 12.0, 10.0, 99.0, 16.0])  # 8, 12, 10, 16 Gy where it is judged


@pytest.mark.parametrize(
    "objective, value",
    [
        (SquaredDeviation(ROWS, 10.0, 2.0), 2.0 * (4 + 4 + 0 + 36) / 4),
        (SquaredOverdose(ROWS, 10.0, 2.0), 2.0 * (4 + 36) / 4),
        (SquaredUnderdose(ROWS, 11.0, 2.0), 2.0 * (9 + 1) / 4),
        (MeanDose(ROWS, 3.0), 3.0 * 11.5**2),
        (MeanDose(ROWS, 3.0, limit_Gy=10.0), 3.0 * 1.5**2),
        (MeanDose(ROWS, 3.0, limit_Gy=12.0), 0.0),
        (MaxDVH(ROWS, 9.0, 0.25, 2.0), 2.0 * (9 + 1) / 4),  # the hottest voxel (16 Gy) is free
        (MaxDVH(ROWS, 9.0, 0.5, 2.0), 2.0 * 1 / 4),
        (MinDVH(ROWS, 14.0, 0.75, 2.0), 2.0 * (4 + 16) / 4),  # the coldest voxel (8 Gy) is free
        (MinDVH(ROWS, 14.0, 0.25, 2.0), 0.0),
        (MaxEUD(ROWS, 10.0, 1.0, 2.0), 2.0 * 1.5**2),
        (MaxEUD(ROWS, 10.0, 2.0, 2.0), 2.0 * (np.sqrt((64 + 144 + 100 + 256) / 4) - 10) ** 2),
        (MinEUD(ROWS, 12.0, 1.0, 2.0), 2.0 * (12 - 4 / (1 / 8 + 1 / 12 + 1 / 10 + 1 / 16)) ** 2),  # the harmonic mean
        (MinEUD(ROWS, 10.0, 1.0, 2.0), 0.0),
    ],
)
def test_value_by_hand(objective, value):
    found, gradient = value_and_gradient(objective, DOSE)
    assert found == pytest.approx(value, rel=1e-12)
    assert (gradient[[0, 2, 5]] == 0).all()


@pytest.mark.parametrize(
    "objective",
    [
        SquaredDeviation(ROWS, 11.0, 2.0),
        SquaredOverdose(ROWS, 11.0, 2.0),
        SquaredUnderdose(ROWS, 11.0, 2.0),
        MeanDose(ROWS, 2.0, limit_Gy=9.0),
        MaxDVH(ROWS, 9.0, 0.3, 2.0),
        MinDVH(ROWS, 14.0, 0.7, 2.0),
        MaxEUD(ROWS, 9.0, 8.0, 2.0),
        MinEUD(ROWS, 12.0, 8.0, 2.0),
    ],
    ids=lambda objective: type(objective).__name__,
)
def test_gradient_agrees_with_finite_differences(objective):
    value, gradient = value_and_gradient(objective, DOSE)
    step = 1e-5 * np.eye(DOSE.size)
    numeric = np.array([(value_and_gradient(objective, DOSE + e)[0] - value_and_gradient(objective, DOSE - e)[0]) / 2e-5 for e in step])
    assert value > 0
    np.testing.assert_allclose(gradient, numeric, rtol=1e-7, atol=1e-7)


def test_dvh_limits_are_the_one_sided_penalties():
    """No volume allowed above D is over-dose; all of the volume needed at D is under-dose."""
    for dvh, squared in ((MaxDVH(ROWS, 11.0, 0.0), SquaredOverdose(ROWS, 11.0)), (MinDVH(ROWS, 11.0, 1.0), SquaredUnderdose(ROWS, 11.0))):
        assert value_and_gradient(dvh, DOSE)[0] == value_and_gradient(squared, DOSE)[0]
    assert value_and_gradient(MaxDVH(ROWS, 0.0, 1.0), DOSE)[0] == 0.0
    assert value_and_gradient(MinDVH(ROWS, 99.0, 0.0), DOSE)[0] == 0.0


def test_dvh_counts_voxels_exactly():
    """29 % of a hundred voxels are 29, though 0.29·100 is less in floating point; equal doses are not all set free."""
    rows, flat = np.arange(100), np.full(100, 12.0)
    assert value_and_gradient(MaxDVH(rows, 10.0, 0.29), flat)[0] == pytest.approx(4.0 * 0.71)
    assert value_and_gradient(MinDVH(rows, 14.0, 0.9), flat)[0] == pytest.approx(4.0 * 0.9)


def test_eud_of_no_dose_is_zero_with_a_finite_gradient():
    value, gradient = value_and_gradient(MaxEUD(ROWS, 0.0, 8.0), np.zeros(7))
    assert value == 0.0
    assert (gradient == 0).all()


@pytest.mark.parametrize("rows", [np.array([], int), np.array([1, 1]), np.array([-1, 2]), np.array([True, False]), np.array([1.0, 2.0])])
def test_rows_that_cannot_be_meant_are_refused(rows):
    # an array of the wrong type meets beartype first under pytest, and this error outside of it
    with pytest.raises((InputError, TypeError)):
        SquaredDeviation(rows, 10.0)


@pytest.mark.parametrize("change", [{"dose_Gy": -1.0}, {"weight": np.nan}, {"weight": -1.0}, {"volume_fraction": 98.0}])
def test_numbers_out_of_range_are_refused(change):
    with pytest.raises(RangeError):
        replace(MinDVH(ROWS, 10.0, 0.98), **change)


def test_min_eud_of_a_cold_voxel_is_no_dose():
    value, gradient = value_and_gradient(MinEUD(ROWS, 12.0, 8.0), np.where(np.arange(7) == 3, 0.0, DOSE))
    assert value == 144.0
    assert (gradient == 0).all()


@pytest.mark.parametrize("kind", [MaxEUD, MinEUD])
def test_eud_exponent_below_one_is_refused(kind):
    with pytest.raises(RangeError, match="exponent"):
        kind(ROWS, 10.0, 0.5)


AS_A_LIST = """
import numpy as np
from scipy import sparse
from gemel.engines.optimise import MaxEUD, SquaredDeviation, plan
objective = MaxEUD([1, 2], 30.0, 2.0)
assert isinstance(objective.voxels, np.ndarray) and objective.voxels.tolist() == [1, 2]
print(*plan(sparse.csc_array(np.eye(3, dtype=np.float32)), [SquaredDeviation([0, 1], 26.0), objective]).weights.round(1))
"""


def test_voxels_given_as_a_list_are_kept_as_an_array():
    """Outside of pytest, under which beartype refuses a list."""
    done = subprocess.run([sys.executable, "-c", AS_A_LIST], capture_output=True, text=True, timeout=60)
    assert (done.stdout.split(), done.stderr) == (["26.0", "26.0", "26.0"], "")
