"""Observers: laws, limits, and what is refused."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.engines.observers import (
    auc,
    auc_of_ratings,
    channelised,
    detectability_of,
    difference_of_gaussians,
    disc,
    disc_spectrum,
    eye_filter,
    gabor,
    gaussian_spectrum,
    hotelling,
    laguerre_gauss,
    non_prewhitening,
    observed,
    prewhitening,
    spectral_grid,
    unbiased_square,
)

GRID = spectral_grid(128, 0.5)
SIGNAL = 5.0 * disc_spectrum(GRID.f_1_mm, 6.0)
WHITE = np.full_like(SIGNAL, 80.0)
COLOURED = 5.0 + 400.0 * GRID.f_1_mm * np.exp(-((GRID.f_1_mm / 0.5) ** 2))


def test_area_and_detectability_are_inverse() -> None:
    assert float(auc(0.0)) == 0.5
    assert float(auc(np.sqrt(2))) == pytest.approx(0.841345, abs=1e-6)
    assert detectability_of(auc(np.array([0.3, 1.2, 3.0]))) == pytest.approx([0.3, 1.2, 3.0])
    with pytest.raises(RangeError, match="unbounded"):
        detectability_of(1.0)


def test_area_of_normal_ratings() -> None:
    """Two normal samples d' apart; the error of DeLong agrees with the spread over repeats within a fifth."""
    rng = np.random.default_rng(0)
    found = [auc_of_ratings(rng.standard_normal(40) + 1.0, rng.standard_normal(60)) for _ in range(300)]
    areas, errors = np.array(found).T
    assert areas.mean() == pytest.approx(float(auc(1.0)), abs=4 * areas.std() / np.sqrt(300))
    assert errors.mean() == pytest.approx(areas.std(), rel=0.2)
    assert auc_of_ratings(np.array([1.0, 2.0]), np.array([1.0, 2.0]))[0] == 0.5
    with pytest.raises(RangeError, match="two images"):
        auc_of_ratings(np.array([1.0]), np.array([0.0, 1.0]))


def test_white_noise_makes_prewhitening_needless() -> None:
    assert float(non_prewhitening(SIGNAL, WHITE, GRID.cell_1_mm2)) == pytest.approx(float(prewhitening(SIGNAL, WHITE, GRID.cell_1_mm2)))


def test_the_ideal_observer_is_best_and_all_scale_alike() -> None:
    eye = eye_filter(GRID.f_1_mm)
    ideal = float(prewhitening(SIGNAL, COLOURED, GRID.cell_1_mm2))
    assert ideal > 1.02 * float(non_prewhitening(SIGNAL, COLOURED, GRID.cell_1_mm2))
    assert ideal > float(non_prewhitening(SIGNAL, COLOURED, GRID.cell_1_mm2, eye=eye))
    for observer in (prewhitening, non_prewhitening):
        assert float(observer(2 * SIGNAL, COLOURED / 2, GRID.cell_1_mm2)) == pytest.approx(
            np.sqrt(8) * float(observer(SIGNAL, COLOURED, GRID.cell_1_mm2))
        )


def test_a_gaussian_in_white_noise_has_a_closed_form() -> None:
    """d'² = C² π s²/W for C exp(−r²/2s²) in noise of power W."""
    signal = 3.0 * gaussian_spectrum(GRID.f_1_mm, 2.0)
    assert float(prewhitening(signal, WHITE, GRID.cell_1_mm2)) == pytest.approx(3.0 * np.sqrt(np.pi) * 2.0 / np.sqrt(80.0), rel=1e-3)


def test_spectra_are_those_of_the_pixels() -> None:
    pixels = disc((128, 128), 6.0, parts=8) * 0.25
    np.testing.assert_allclose(np.abs(np.fft.fft2(pixels))[:12, :12], np.abs(disc_spectrum(GRID.f_1_mm, 6.0))[:12, :12], atol=0.02 * 28.3)


def test_the_eye_sees_four_cycles_a_degree_best() -> None:
    f = np.linspace(0.01, 2.0, 2000)
    best = f[np.argmax(eye_filter(f))]
    assert best * 500 * np.pi / 180 == pytest.approx(4.0, abs=0.02)
    assert eye_filter(f).max() == pytest.approx(1.0, abs=1e-5)


def test_channels_of_laguerre_and_gauss_are_orthonormal() -> None:
    channels = laguerre_gauss(96, 6, 14.0)
    np.testing.assert_allclose(channels.T @ channels, np.eye(6), atol=2e-3)


def test_round_channels_sum_to_nothing_and_gabor_has_sixty() -> None:
    """A difference of Gaussians passes no constant; Yu's set is 6 × 5 × 2."""
    assert difference_of_gaussians(256, 6).sum(axis=0)[2:] == pytest.approx(np.zeros(4), abs=1e-3)
    assert gabor(64).shape == (64 * 64, 60)
    assert gabor(64, passbands_1_px=((0.1, 0.2),), orientations=3).shape == (64 * 64, 6)


def test_more_channels_see_no_less_and_pixels_see_most() -> None:
    rng = np.random.default_rng(1)
    mixing = np.eye(256) + 0.3 * rng.standard_normal((256, 256)) / 16
    covariance = mixing @ mixing.T
    signal = disc((16, 16), 4.0).ravel()
    found = [hotelling(u.T @ signal, u.T @ covariance @ u)[0] for u in (laguerre_gauss(16, n, 8.0) for n in (1, 3, 6))]
    assert found == sorted(found)
    assert found[-1] <= hotelling(signal, covariance)[0] + 1e-9


def test_ratings_of_new_images_err_low_and_the_unbiased_estimate_lies_between() -> None:
    """Mean over 60 sets of 30 + 30 images and 8 channels, true d' 1.5: hold-out < true < resubstitution."""
    rng, true = np.random.default_rng(2), 1.5
    offset = np.zeros(8)
    offset[0] = true
    held, inside, free = [], [], []
    for _ in range(60):
        one = channelised(rng.standard_normal((30, 8)) + offset, rng.standard_normal((30, 8)), np.eye(8))
        fresh = observed(one, rng.standard_normal((200, 8)) + offset), observed(one, rng.standard_normal((200, 8)))
        held.append(float(detectability_of(auc_of_ratings(*fresh)[0])))
        inside.append(np.sqrt(one.resubstituted_square))
        free.append(one.unbiased_square)
    assert np.mean(held) < true - 0.1
    assert np.mean(inside) > true + 0.1
    assert np.mean(free) == pytest.approx(true**2, abs=0.3)


def test_too_little_is_refused() -> None:
    with pytest.raises(RangeError, match="fewer channels"):
        channelised(np.ones((5, 6)), np.zeros((4, 6)), np.eye(6))
    with pytest.raises(RangeError, match="more than channels"):
        unbiased_square(1.0, channels=10, present=5, absent=5)
    with pytest.raises(RangeError, match="positive definite"):
        hotelling(np.ones(3), np.zeros((3, 3)))
    with pytest.raises(RangeError, match="not finite"):
        hotelling(np.ones(3), np.full((3, 3), np.nan))
    with pytest.raises(GeometryError, match=r"\(4, 4\) for a signal of \(3,\)"):
        hotelling(np.ones(3), np.eye(4))
    for absent, channels in ((np.ones((9, 5)), np.ones((6, 2))), (np.ones((9, 6)), np.ones((5, 2)))):
        with pytest.raises(GeometryError, match="channels of"):
            channelised(np.ones((9, 6)), absent, channels)
    with pytest.raises(RangeError, match="NaN"):
        auc_of_ratings(np.array([1.0, np.nan]), np.array([0.0, 1.0]))
    with pytest.raises(RangeError, match="channels of width"):
        gabor(8, orientations=0)
    with pytest.raises(RangeError, match="zero everywhere"):
        prewhitening(np.zeros(4), np.ones(4), 1.0)
    with pytest.raises(RangeError, match="noise power of zero"):
        prewhitening(np.ones(4), np.array([1.0, 0.0, 1.0, 1.0]), 1.0)
    with pytest.raises(RangeError, match="not finite"):
        non_prewhitening(np.array([np.nan, 1.0]), np.ones(2), 1.0)
    with pytest.raises(RangeError, match="positive radius"):
        disc((8, 8), 0.0)
    with pytest.raises(RangeError, match="positive width"):
        laguerre_gauss(8, 2, 0.0)
