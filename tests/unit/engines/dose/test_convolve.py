"""Convolution of activity with a kernel: what is refused, edge voxels, sizes."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.engines.dose.convolve import convolved, dose_map, recovered_mean_Gy, source_mean_Gy
from gemel.engines.dose.kernel import sphere_S, voxel_kernel

EVEN = np.exp(-sum(x**2 for x in np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij")).astype(float))


def ball(mass_g: float, voxel_mm: float) -> np.ndarray:
    """Fraction of each voxel that lies in a ball whose centre is at no special place."""
    radius_mm = 10 * np.cbrt(3 * mass_g / (4 * np.pi * 1.03))
    n, parts = int(np.ceil(radius_mm / voxel_mm)) + 1, 8
    x = (np.arange(-n * parts, (n + 1) * parts) + 0.5) / parts * voxel_mm - voxel_mm / 2
    inside = (x[:, None, None] + 0.3) ** 2 + (x[None, :, None] - 0.7) ** 2 + (x + 0.9) ** 2 < radius_mm**2
    return inside.reshape(2 * n + 1, parts, 2 * n + 1, parts, 2 * n + 1, parts).mean((1, 3, 5))


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_activity_that_is_none(value: float) -> None:
    activity = np.ones((6, 6, 6))
    activity[2, 3, 4] = value
    with pytest.raises(RangeError, match="decays"):
        dose_map(activity, EVEN)


def test_activity_of_another_shape() -> None:
    with pytest.raises(GeometryError, match="decays of shape"):
        dose_map(np.ones((6, 6)), EVEN)


@pytest.mark.parametrize("kernel", [EVEN[:4], EVEN[:, :, 0], np.roll(EVEN, 1, axis=0)])
def test_kernels_that_are_none(kernel: np.ndarray) -> None:
    with pytest.raises(GeometryError, match="a kernel"):
        dose_map(np.ones((6, 6, 6)), kernel)


def test_a_kernel_with_holes() -> None:
    with pytest.raises(RangeError, match="finite"):
        dose_map(np.ones((6, 6, 6)), EVEN * np.nan)


@pytest.mark.parametrize("density", [0.0012, 8.0, np.nan])
def test_densities_beyond_the_limits(density: float) -> None:
    with pytest.raises(RangeError, match="densities"):
        dose_map(np.ones((6, 6, 6)), EVEN, density_g_cm3=np.full((6, 6, 6), density))


def test_densities_on_another_grid() -> None:
    with pytest.raises(GeometryError, match="densities"):
        dose_map(np.ones((6, 6, 6)), EVEN, density_g_cm3=np.ones((6, 6, 5)))


@pytest.mark.parametrize("fraction", [np.zeros((3, 3, 3)), np.full((3, 3, 3), 1.5), np.full((3, 3, 3), np.nan)])
def test_fractions_that_are_none(fraction: np.ndarray) -> None:
    with pytest.raises(RangeError, match="fractions"):
        source_mean_Gy(np.ones((3, 3, 3)), fraction)


def test_dose_is_never_negative() -> None:
    activity = np.zeros((20, 20, 20))
    activity[3, 3, 3] = 1e12
    assert dose_map(activity, EVEN).min() >= 0


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 13, 5), (3, 64, 17)])
def test_any_size(shape: tuple[int, int, int]) -> None:
    activity = np.random.default_rng(2).random(shape)
    direct = np.zeros(np.add(shape, 4))
    for i, j, k in np.ndindex(5, 5, 5):
        direct[i : i + shape[0], j : j + shape[1], k : k + shape[2]] += EVEN[i, j, k] * activity
    assert np.abs(convolved(activity, EVEN) - direct[2:-2, 2:-2, 2:-2]).max() < 1e-6 * direct.max()


def test_the_mean_over_the_source_weighs_by_mass() -> None:
    dose, fraction, density = np.zeros((2, 1, 1)), np.array([0.5, 1.0]).reshape(2, 1, 1), np.array([2.0, 1.0]).reshape(2, 1, 1)
    dose[:, 0, 0] = 1.0, 4.0
    assert source_mean_Gy(dose, fraction) == pytest.approx(3.0)
    assert source_mean_Gy(dose, fraction, density_g_cm3=density) == pytest.approx(2.5)


@pytest.mark.parametrize(("mass_g", "whole"), [(4.31, 0.70), (34.5, 0.84)])
def test_edge_voxels_of_a_source(mass_g: float, whole: float) -> None:
    """Of the sphere's own self-dose: less over whole edge voxels, more over the source's mass, all but 2 % when the edges are undone."""
    fraction, kernel = ball(mass_g, 2.21), voxel_kernel("Lu-177", 2.21, 10)
    sphere_Gy = sphere_S("Lu-177", mass_g)
    dose = dose_map(fraction / fraction.sum(), kernel)
    over_mass = source_mean_Gy(dose, fraction)
    assert dose[fraction > 0].mean() < whole * sphere_Gy
    assert 0.88 * sphere_Gy < over_mass < 0.96 * sphere_Gy
    assert recovered_mean_Gy(1.0, kernel, fraction) == pytest.approx(sphere_Gy, abs=0, rel=0.02)
