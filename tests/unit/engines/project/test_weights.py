"""Filter samples, angular steps and redundancy: each line counts once, whatever the scan."""

from itertools import pairwise

import numpy as np
import pytest

from gemel.engines.project import SHARP, SOFT, Fan, Parallel, Ramp, field_radius_mm
from gemel.engines.project.geometry import fan_rad
from gemel.engines.project.ramp import filtered, kernel
from gemel.engines.project.weights import parallel_steps, parker, ray_weights, turn


def test_the_ramp_has_its_closed_form_in_space():
    k = np.arange(-6, 7)
    expected = np.where(k % 2 == 1, -1 / (np.pi * np.where(k == 0, 1, k) * 0.8) ** 2, 0.0)
    expected[6] = 1 / (4 * 0.8**2)
    np.testing.assert_allclose(kernel(Ramp(), 7, 0.8), expected, atol=1e-12)


def test_filtering_is_convolution_with_the_kernel():
    row = np.random.default_rng(0).random((2, 3, 17)).astype(np.float32)
    for ramp in (Ramp(), SHARP, SOFT):
        expected = 0.8 * np.array([[np.convolve(r, kernel(ramp, 17, 0.8))[16:33] for r in view] for view in row])
        np.testing.assert_allclose(filtered(row, ramp, 0.8), expected.swapaxes(1, 2), atol=2e-6)


def test_softer_windows_pass_less_noise():
    power = [float((kernel(ramp, 256, 1.0) ** 2).sum()) for ramp in (Ramp(), SHARP, Ramp("cosine"), Ramp("hann"), SOFT)]
    assert power[0] == pytest.approx(1 / 12, rel=1e-3)
    assert all(softer < 0.8 * sharper for sharper, softer in pairwise(power))


@pytest.mark.parametrize("order", ["forwards", "backwards", "shuffled", "twice"])
def test_angles_share_the_turn_whatever_their_order(order):
    angles = np.arange(60) * 2 * np.pi / 60 + 0.4
    shuffled = np.random.default_rng(2).permutation(angles)
    given = {"forwards": angles, "backwards": -angles, "shuffled": shuffled, "twice": np.tile(angles, 2)}[order]
    found = turn(given)
    assert found.closed
    assert found.arc_rad == pytest.approx(2 * np.pi)
    np.testing.assert_allclose(found.step_rad, 2 * np.pi / given.size, rtol=1e-9)


def test_an_arc_begins_after_its_gap():
    arc = turn(5.5 + np.arange(100) * 0.04)
    assert not arc.closed
    assert arc.arc_rad == pytest.approx(4.0)
    np.testing.assert_allclose(arc.along_rad, 0.02 + np.arange(100) * 0.04)
    np.testing.assert_allclose(arc.step_rad, 0.04)


def test_parallel_views_a_half_turn_apart_share_their_angle():
    steps = parallel_steps(np.arange(90) * 2 * np.pi / 90)
    np.testing.assert_allclose(steps, np.pi / 90)


@pytest.mark.parametrize("spare_rad", [0.2, 0.5])
def test_conjugate_rays_of_a_short_scan_sum_to_one(spare_rad):
    """(β, γ) and (β + π − 2γ, −γ), for each pair of which both lie on the arc; alone a ray counts fully."""
    along = np.linspace(0.001, np.pi + 2 * spare_rad - 0.001, 400)
    for gamma in (-0.18, -0.03, 0.0, 0.11, 0.19):
        own = parker(along[:, None], np.array([gamma]), spare_rad)[:, 0]
        other_along = along + np.pi - 2 * gamma
        other_along = np.where(other_along > np.pi + 2 * spare_rad, other_along - 2 * np.pi, other_along)
        both = (other_along >= 0) & (other_along <= np.pi + 2 * spare_rad)
        other = parker(other_along[:, None], np.array([-gamma]), spare_rad)[:, 0]
        np.testing.assert_allclose(own[both] + other[both], 1.0, atol=1e-9)
        np.testing.assert_allclose(own[~both], 1.0, atol=1e-9)


@pytest.mark.parametrize("curved", [False, True])
@pytest.mark.parametrize("offset_mm", [54.0, -54.0])
def test_conjugate_rays_of_a_half_fan_sum_to_one(offset_mm, curved):
    geometry = Fan(400.0, 600.0, 90, 2.0, np.arange(60) * np.pi / 30, offset_mm, curved)
    share = ray_weights(geometry, 50.0)[0] / (np.pi / 30)
    gamma = fan_rad(geometry)
    mirrored = np.interp(-gamma, gamma, share, left=0.0, right=0.0)
    overlap = np.abs(gamma) < 0.95 * min(-gamma[0], gamma[-1])
    assert overlap.sum() > 20
    np.testing.assert_allclose((share + mirrored)[overlap], 1.0, atol=2e-3)
    assert share.max() == pytest.approx(1.0)


def test_a_quarter_pixel_offset_is_no_half_fan():
    geometry = Fan(400.0, 600.0, 90, 2.0, np.arange(60) * np.pi / 30, 0.5)
    np.testing.assert_allclose(ray_weights(geometry, 50.0), np.pi / 60)


def test_a_displaced_panel_widens_the_field():
    kinds = ((0.0, True), (54.0, True), (54.0, False))
    wide, half, flat = (field_radius_mm(Fan(400.0, 600.0, 90, 2.0, np.zeros(1), *kind)) for kind in kinds)
    assert wide == pytest.approx(400 * np.sin(90 / 600))
    assert half == pytest.approx(400 * np.sin(144 / 600))
    assert flat == pytest.approx(400 * np.sin(np.arctan(144 / 600)))
    assert field_radius_mm(Parallel(np.zeros(1), 90, 2.0, 0.5)) == 89.5
