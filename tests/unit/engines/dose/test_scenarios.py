"""Matrices under set-up and range errors equal those of a patient who was really moved and really denser."""

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.core.image import Image
from gemel.devices.proton import Machine
from gemel.engines.dose import Error, RangeShifter, ShiftedBeam, influence, influence_scenarios, trace

MACHINE = Machine.generic()
ISO = np.array([1.0, 2.0, -1.0])
SPOTS = np.array([[0.0, 0.0, 0.0, 80.0], [0.0, 5.0, -5.0, 75.0], [90.0, 4.0, 3.0, 85.0], [50.0, -3.0, 0.0, 78.0]])
ERRORS = [
    Error(np.zeros(3), 1.0),
    Error(np.array([3.0, -2.0, 5.0]), 1.0),
    Error(np.array([0.0, 5.0, 0.0]), 1.035),
    Error(np.zeros(3), 0.965),
]


def body() -> Image:
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = [-58.5, -58.5, -28.5]
    x = affine[0, 3] + 3 * np.arange(40)
    inside = x[:, None] ** 2 + x[None, :] ** 2 < 50**2
    values = np.random.default_rng(0).uniform(0.5, 1.5, (40, 40, 20)) * inside[:, :, None]
    return Image(values.astype(np.float32), affine)


@pytest.mark.parametrize("machine", [MACHINE, ShiftedBeam(MACHINE, RangeShifter(20.0, 120.0))], ids=["open", "range shifter"])
@pytest.mark.parametrize("error", ERRORS, ids=["none", "shift", "both", "range"])
def test_a_scenario_equals_the_matrix_of_the_patient_it_stands_for(machine: Machine | ShiftedBeam, error: Error) -> None:
    moved = Image(body().array * np.float32(error.range_factor), body().affine_mm)
    expected = influence(moved, SPOTS, machine, ISO - error.shift_mm).toarray()
    (found,) = influence_scenarios(trace(body(), SPOTS, machine, ISO), [error])
    assert np.abs(found.toarray() - expected).max() < 1e-4 * expected.max()


def test_rows_can_be_restricted_and_matrices_come_when_they_are_asked_for() -> None:
    voxels = np.zeros(body().shape, dtype=bool)
    voxels[18:22, 18:22, 8:12] = True
    traced = trace(body(), SPOTS, MACHINE, ISO, kept=0.98)
    some = iter(influence_scenarios(traced, ERRORS, voxels=voxels))
    whole = influence(body(), SPOTS, MACHINE, ISO, kept=0.98).toarray()
    assert np.array_equal(next(some).toarray(), np.where(voxels.ravel()[:, None], whole, 0))
    assert sum(1 for _ in some) == len(ERRORS) - 1


def test_the_sign_of_the_shift_is_that_of_the_patient() -> None:
    """Moved by +x, the patient meets the beam at a place of smaller x."""
    traced = trace(body(), SPOTS[:1], MACHINE, ISO)
    x = body().affine_mm[0, 3] + 3 * np.arange(40)
    centres = []
    for shift in (0.0, 6.0):
        (values,) = influence_scenarios(traced, [Error(np.array([shift, 0.0, 0.0]), 1.0)])
        profile = values.toarray().reshape(body().shape).sum(axis=(1, 2))
        centres.append(float((profile * x).sum() / profile.sum()))
    assert centres[0] - centres[1] == pytest.approx(6.0, abs=0.6)


@pytest.mark.parametrize(("shift", "factor"), [(0.0, 0.0), (0.0, -1.0), (np.nan, 1.0), (0.0, np.inf)])
def test_impossible_errors_are_refused(shift: float, factor: float) -> None:
    with pytest.raises(RangeError, match="range factor"):
        Error(np.array([shift, 0.0, 0.0]), factor)
