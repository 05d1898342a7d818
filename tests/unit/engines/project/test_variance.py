"""Predicted noise against the definition: each ray's own contribution to the image, squared and summed."""

import numpy as np
import pytest

from gemel.engines.project import Cone, Fan, Grid, Parallel, Ramp, fbp, fdk, variance

FULL = np.arange(24) * 2 * np.pi / 24
SHORT = np.arange(24) * 4.2 / 24
AT_mm = np.array([6.3, -4.1, 0.0])
PLANES = {
    "parallel": Parallel(np.arange(24) * np.pi / 24, 31, 2.0, 0.3),
    "flat": Fan(200.0, 300.0, 31, 3.0, FULL, 0.4),
    "curved": Fan(200.0, 300.0, 31, 3.0, FULL, 0.4, True),
    "short": Fan(200.0, 300.0, 31, 3.0, SHORT, 0.4, True),
    "half fan": Fan(200.0, 300.0, 20, 3.0, FULL, 18.0),
}


@pytest.mark.parametrize("ramp", [Ramp(), Ramp("hann", 0.8)], ids=["ram-lak", "hann"])
@pytest.mark.parametrize("kind", list(PLANES))
def test_variance_in_a_plane_is_that_of_independent_rays(kind, ramp):
    """Each slice of the stack holds one ray set to 1: the reconstruction is that ray's weight in the voxel."""
    geometry = PLANES[kind]
    n = 24 * geometry.n_u
    impulses = np.eye(n, dtype=np.float32).reshape(24, geometry.n_u, n).swapaxes(1, 2)
    weight = fbp(impulses, geometry, grid=Grid((1, 1, n), (1.0, 1.0, 1.0), tuple(AT_mm)), ramp=ramp)[0, 0].reshape(24, geometry.n_u)
    spread = np.random.default_rng(0).uniform(1, 9, weight.shape)
    assert variance(AT_mm[None], geometry, log_variance=spread, ramp=ramp)[0] == pytest.approx((weight**2 * spread).sum(), rel=2e-5)


def test_variance_of_a_cone_is_that_of_independent_rays():
    geometry = Cone(200.0, 300.0, 11, 3, 4.0, 3.0, np.arange(6) * np.pi / 3, 0.4, 0.7)
    at, spread = np.array([6.3, -4.1, 1.3]), np.random.default_rng(0).uniform(1, 9, (6, 3, 11))
    total = 0.0
    for index in np.ndindex(spread.shape):
        impulse = np.zeros(spread.shape, dtype=np.float32)
        impulse[index] = 1.0
        total += spread[index] * float(fdk(impulse, geometry, grid=Grid((1, 1, 1), (1.0, 1.0, 1.0), tuple(at)))[0, 0, 0]) ** 2
    assert variance(at[None], geometry, log_variance=spread)[0] == pytest.approx(total, rel=2e-5)


def test_between_columns_interpolation_leaves_a_fifth_of_the_noise():
    """Ram-Lak: Σh² = 1/(12a⁴) on a column; (1 − s)² + s² − 2s(1 − s)·6/π² of it the share s further on, which at ½ is 0.196."""
    on, between = (
        variance(np.zeros((1, 3)), Parallel(np.arange(360) * np.pi / 360, 601, 1.0, offset), log_variance=np.ones((360, 601)))[0]
        for offset in (0.0, 0.5)
    )
    assert on == pytest.approx(np.pi**2 / 360 / 12, rel=1e-4)
    assert between / on == pytest.approx(0.5 - 3 / np.pi**2, rel=1e-3)
