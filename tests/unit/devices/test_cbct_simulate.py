"""The simulated CBCT: contrast, cup, noise and truncation are those asked for, and a seed gives one scan."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Image
from gemel.devices.cbct import ConeBeam, simulate

CENTRE_mm = np.array([10.0, -20.0, 30.0])


def block(hu: float, n: int = 101, spacing_mm: float = 3.0) -> Image:
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = CENTRE_mm - spacing_mm * np.array([n // 2, n // 2, 2])
    return Image(np.full((n, n, 5), hu, np.float32), affine)


def radius_mm(image: Image) -> np.ndarray:
    x, y = (image.origin_mm[a] - CENTRE_mm[a] + image.spacing_mm[a] * np.arange(image.shape[a]) for a in (0, 1))
    return np.broadcast_to(np.hypot(x[:, None], y[None, :])[..., None], image.shape)


def scan(image: Image, seed: int = 0, **changes: float) -> np.ndarray:
    return simulate(image, CENTRE_mm, np.random.default_rng(seed), scanner=ConeBeam(**changes)).array


def test_outside_the_field_of_view_there_is_fill():
    image = block(40)
    seen, r = scan(image), radius_mm(image)
    assert (seen[r > 125.0] == -1024).all()
    assert (seen[r < 125.0] > -1024).all()


def test_noise_has_the_asked_spread_and_no_mean():
    image = block(0)
    noise = scan(image) - scan(image, noise_HU=0.0)
    inside = radius_mm(image) < 125
    assert noise[inside].std() == pytest.approx(30, rel=0.03)
    assert abs(noise[inside].mean()) < 1.0


def test_noise_has_the_ramp_spectrum_of_filtered_back_projection():
    """Power per area of the frequency plane grows with frequency; white noise would have a ratio of 1."""
    noise = (scan(block(0)) - scan(block(0), noise_HU=0.0))[22:79, 22:79]
    power = (np.abs(np.fft.fft2(noise, axes=(0, 1))) ** 2).mean(axis=2)
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(57), np.fft.fftfreq(57)))
    low, middle = (power[(f > a) & (f < b)].mean() for a, b in ((0.02, 0.06), (0.15, 0.25)))
    assert 0.05 < low / middle < 0.4


def test_noise_scales_and_differs_between_seeds_only():
    image = block(0)
    clean = scan(image, noise_HU=0.0)
    np.testing.assert_array_equal(scan(image, 1), scan(image, 1))
    assert np.abs(scan(image, 1) - scan(image, 2)).mean() > 10
    inside = radius_mm(image) < 125
    assert (scan(image, noise_HU=45.0) - clean)[inside].std() == pytest.approx(45, rel=0.03)


def test_the_cup_runs_from_axis_to_edge_in_the_body_alone():
    image = block(0)
    seen, r = scan(image, noise_HU=0.0), radius_mm(image)
    assert seen[r < 2].mean() == pytest.approx(-50, abs=1)
    assert seen[(r > 123) & (r < 125)].mean() == pytest.approx(78, abs=3)
    assert seen[np.abs(r - 62.5) < 2].mean() == pytest.approx(-50 + 130 / 4, abs=2)
    air = scan(block(-1000), noise_HU=0.0)
    np.testing.assert_allclose(air[radius_mm(image) < 125], -950)


def test_contrast_is_lowered():
    difference = scan(block(200), noise_HU=0.0) - scan(block(0), noise_HU=0.0)
    assert difference[radius_mm(block(0)) < 120].mean() == pytest.approx(190, abs=0.5)


def test_blur_is_gaussian_of_the_asked_width():
    image = block(0)
    image.array[50, 50, 2] = 10000.0
    spot = scan(image, noise_HU=0.0, cup_axis_HU=0.0, cup_edge_HU=0.0, contrast=1.0, blur_mm=3.0)[45:56, 50, 2]
    assert spot[5] / spot[6] == pytest.approx(np.exp(0.5), rel=0.02)  # one voxel is one standard deviation


def test_what_cannot_be_scanned_is_refused():
    with pytest.raises(GeometryError, match="field of view"):
        simulate(block(0), CENTRE_mm + 1000.0, np.random.default_rng(0))
    turned = block(0)
    c, s = np.cos(0.3), np.sin(0.3)
    oblique = Image(turned.array, turned.affine_mm @ np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    with pytest.raises(GeometryError, match="oblique"):
        simulate(oblique, CENTRE_mm, np.random.default_rng(0))


@pytest.mark.parametrize("bad", [{"noise_HU": -1.0}, {"diameter_mm": 0.0}, {"views": 0}, {"blur_mm": -0.1}])
def test_impossible_scanners_are_refused(bad):
    with pytest.raises(RangeError, match="scanner"):
        ConeBeam(**bad)
