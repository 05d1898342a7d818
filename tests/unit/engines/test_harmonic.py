"""The smoothest field: exact between plates, bounded, soft where it is asked to be, and clear when nothing is prescribed."""

import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.engines.harmonic import harmonic_weight, smoothest

SPACING_mm = np.array([2.0, 3.0, 4.0])


def plates(axis: int, n: int = 9) -> tuple[np.ndarray, np.ndarray]:
    place = np.indices((n, n, n))[axis]
    return place == 0, place == n - 1


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_between_two_plates_the_weight_falls_linearly(axis):
    one, zero = plates(axis)
    expected = 1 - np.indices(one.shape)[axis] / 8
    np.testing.assert_allclose(harmonic_weight(one, zero, SPACING_mm), expected, atol=1e-5)


def test_between_cylinders_of_anisotropic_voxels_the_weight_is_logarithmic():
    x = (np.indices((121, 81, 1)).transpose(1, 2, 3, 0) - (60, 40, 0)) * (1.0, 1.5, 4.0)
    r = np.hypot(x[..., 0], x[..., 1])
    weight = harmonic_weight(r <= 15, r >= 58, np.array([1.0, 1.5, 4.0]))
    between = (r > 20) & (r < 50)
    np.testing.assert_allclose(weight[between], np.log(58 / r[between]) / np.log(58 / 15), atol=0.02)


def test_the_weight_keeps_the_maximum_principle():
    rng = np.random.default_rng(3)
    one = rng.random((12, 12, 12)) < 0.02
    zero = (rng.random((12, 12, 12)) < 0.02) & ~one
    weight = harmonic_weight(one, zero, SPACING_mm)
    free = ~(one | zero)
    assert weight[free].min() > 0
    assert weight[free].max() < 1


def test_each_free_value_is_the_mean_of_its_neighbours():
    one, zero = plates(0)
    one[:, 4:] = False
    weight = harmonic_weight(one, zero, np.ones(3))
    inner = weight[1:-1, 1:-1, 1:-1]
    mean = sum(np.roll(weight, s, a)[1:-1, 1:-1, 1:-1] for a in range(3) for s in (1, -1)) / 6
    np.testing.assert_allclose(inner, mean, atol=1e-5)


def test_a_soft_value_gives_way_within_its_layer():
    """κ = 1/ℓ² on a half line and zero held beside it: u = 1 − exp(−x/ℓ)."""
    x_mm, layer_mm = np.arange(400) * 0.25, 5.0
    stiffness = np.full((400, 1, 1), 1 / layer_mm**2)
    stiffness[0] = 1e6
    target = np.ones((1, 400, 1, 1))
    target[0, 0] = 0
    u = smoothest(target, stiffness, np.array([0.25, 1, 1]))[0, :, 0, 0]
    np.testing.assert_allclose(u[:200], 1 - np.exp(-x_mm[:200] / layer_mm), atol=2e-3)


def test_components_do_not_mix():
    stiffness = np.ones((5, 5, 5))
    target = np.random.default_rng(1).normal(size=(3, 5, 5, 5))
    together = smoothest(target, stiffness, SPACING_mm)
    np.testing.assert_allclose(together[1], smoothest(target[1:2], stiffness, SPACING_mm)[0], atol=1e-4)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_nothing_prescribed_or_nonsense_is_refused(value):
    with pytest.raises(InputError, match="stiffness"):
        smoothest(np.zeros((1, 3, 3, 3)), np.full((3, 3, 3), value), SPACING_mm)


def test_overlapping_or_empty_regions_are_refused():
    one, zero = plates(0)
    with pytest.raises(InputError, match="overlap"):
        harmonic_weight(one, one, SPACING_mm)
    with pytest.raises(InputError, match="empty"):
        harmonic_weight(one, zero & False, SPACING_mm)
