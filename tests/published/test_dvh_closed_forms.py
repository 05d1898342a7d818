"""Cumulative DVHs of solids in a linear gradient: closed forms after Nelms et al. 2015, Med Phys 42:4435, within 1 % of volume at 1 mm."""

import numpy as np
import pytest

from gemel.engines.dvh import cumulative, dose_at_fraction_Gy

N = 41
X, Y, Z = np.meshgrid(*[np.arange(N) - 20.0 + 0.3] * 3, indexing="ij")
RADIUS, HALF, D0, SLOPE = 12.0, 12.0, 20.0, 0.5
SPHERE = X**2 + Y**2 + Z**2 <= RADIUS**2
CYLINDER = (X**2 + Y**2 <= RADIUS**2) & (np.abs(Z) <= HALF + 0.2)  # 24 slices: as long as the cylinder, off the grid by 0.2 mm
LEVELS = D0 + SLOPE * np.linspace(-14, 14, 57)


def sphere(level: np.ndarray) -> np.ndarray:
    t = np.clip((level - D0) / (SLOPE * RADIUS), -1, 1)
    return 0.5 - 0.75 * t + 0.25 * t**3


@pytest.mark.parametrize("axis", [X, Y, Z, (X + Y) / np.sqrt(2), (X - 2 * Y + 2 * Z) / 3], ids=["x", "y", "z", "xy", "xyz"])
def test_sphere(axis: np.ndarray) -> None:
    assert np.abs(cumulative(D0 + SLOPE * axis, SPHERE, LEVELS) - sphere(LEVELS)).max() < 0.01


def test_cylinder_along_its_axis() -> None:
    slices = np.unique(Z[CYLINDER])
    centre, half = (slices[0] + slices[-1]) / 2, len(slices) / 2
    t = np.clip((LEVELS - D0) / (SLOPE * half), -1, 1)
    assert np.abs(cumulative(D0 + SLOPE * (Z - centre), CYLINDER, LEVELS) - (1 - t) / 2).max() < 0.01


def test_cone_with_its_apex_at_the_low_dose() -> None:
    height = 24.0
    along = Z + 12.2  # 24 slices fill the height exactly
    cone = (np.hypot(X, Y) <= RADIUS * along / height) & (np.abs(along - height / 2) <= height / 2)
    u = np.clip((LEVELS - D0) / (SLOPE * height) + 0.5, 0, 1)
    assert np.abs(cumulative(D0 + SLOPE * (along - 12.0), cone, LEVELS) - (1 - u**3)).max() < 0.01


def test_the_tolerance_bites_on_a_gradient_5_percent_off() -> None:
    assert np.abs(cumulative(D0 + 1.05 * SLOPE * X, SPHERE, LEVELS) - sphere(LEVELS)).max() > 0.01


def test_sub_voxels_matter_where_voxels_are_large() -> None:
    """A sphere of 12 mm in 6 mm voxels along the gradient: counting whole voxels is off by more than the histogram is."""
    dose, mask = (D0 + SLOPE * X)[::6, ::2, ::2].copy(), SPHERE[::6, ::2, ::2].copy()
    whole = np.array([(dose[mask] >= level).mean() for level in LEVELS])
    assert np.abs(whole - sphere(LEVELS)).max() > 2 * np.abs(cumulative(dose, mask, LEVELS) - sphere(LEVELS)).max()


def test_d98_and_d2_of_the_sphere() -> None:
    dose = D0 + SLOPE * X
    t = np.roots([0.25, 0, -0.75, 0.5 - 0.98])
    at = float(t[np.abs(t) <= 1].real[0])
    assert dose_at_fraction_Gy(dose, SPHERE, 0.98) == pytest.approx(D0 + SLOPE * RADIUS * at, abs=0.15)
    assert dose_at_fraction_Gy(dose, SPHERE, 0.02) == pytest.approx(D0 - SLOPE * RADIUS * at, abs=0.15)
