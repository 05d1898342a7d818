"""Transfer and noise power from images whose own are known."""

import numpy as np
import pytest
from scipy import ndimage

from gemel.core.errors import InputError, RangeError
from gemel.engines.image_quality import Mtf, edge_spread, mtf, mtf_of_wire, nps, radial
from gemel.engines.project import Grid, Parallel, fbp

PARTS = 5


def averaged(fine):
    """Pixels of 5 × 5 points."""
    n = len(fine) // PARTS
    return fine.reshape(n, PARTS, n, PARTS).mean(axis=(1, 3))


def blurred(sigma, pixel_mm, f):
    """Transfer of a Gaussian (sd in pixels) and of a pixel along one axis."""
    return np.exp(-2 * (np.pi * sigma * pixel_mm * f) ** 2) * np.sinc(f * pixel_mm)


def test_white_noise_has_a_flat_spectrum_that_integrates_to_its_variance():
    rois = np.random.default_rng(0).normal(40.0, 10.0, (60, 64, 48))
    found = nps(rois, 0.5)
    assert found.variance == pytest.approx(rois.var(axis=(1, 2)).mean(), rel=1e-9)
    f, power = radial(found)
    assert power[f > 0.1] == pytest.approx(100 * 0.25, rel=0.08)
    assert (np.diff(f) > 0).all()
    assert f[-1] < 1.0


def test_a_wave_is_found_at_its_frequency_and_a_slope_is_taken_out():
    x = np.arange(64) * 0.5
    wave = np.broadcast_to((3 * np.sin(2 * np.pi * 0.25 * x))[:, None], (64, 64))
    found = nps(wave[None], 0.5)
    i, j = np.unravel_index(np.argmax(found.power), found.power.shape)
    assert abs(found.f_x_1_mm[i]) == pytest.approx(0.25)
    assert found.f_y_1_mm[j] == 0
    assert found.variance == pytest.approx(4.5)
    slope = np.add.outer(x, 2 * x)[None] + wave
    assert nps(slope, 0.5).variance > 100
    assert nps(slope, 0.5, order=1).variance == pytest.approx(4.5, rel=0.05)


def test_the_noise_of_a_ram_lak_image_rises_in_proportion_to_frequency():
    """White noise σ in rays a apart: π·a·σ²·f/N, times sinc⁴(af) of linear interpolation. Riederer et al. 1978, Phys Med Biol 23:446."""
    geometry = Parallel(np.arange(180) * np.pi / 180, 128, 1.0)
    noise = np.random.default_rng(1).normal(size=(180, 40, 128)).astype(np.float32)
    image = fbp(noise, geometry, grid=Grid((64, 64, 40), (1.0, 1.0, 1.0)))
    f, power = radial(nps(np.moveaxis(image, 2, 0), 1.0), bins=16)
    seen = (f > 0.05) & (f < 0.4)
    assert power[seen] / (np.pi * f * np.sinc(f) ** 4 / 180)[seen] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.5])
def test_the_edge_of_a_disc_gives_the_transfer_of_its_blur(sigma):
    n, pixel_mm, centre = 160, 0.5, (0.3, -0.2)
    place = (np.arange(n * PARTS) - (n * PARTS - 1) / 2) / PARTS
    disc = (place[:, None] - centre[0]) ** 2 + (place[None, :] - centre[1]) ** 2 <= 36**2
    image = 40 - 25 * averaged(ndimage.gaussian_filter(disc.astype(float), sigma * PARTS))
    found = mtf(image, pixel_mm, centre=((n - 1) / 2 + centre[0], (n - 1) / 2 + centre[1]), radius_mm=18.0)
    f = np.linspace(0, 0.8, 30)
    assert np.interp(f, found.f_1_mm, found.value) == pytest.approx(blurred(sigma, pixel_mm, f), abs=0.006)
    expected = np.interp(0.5, blurred(sigma, pixel_mm, f)[::-1], f[::-1])
    assert found.frequency(0.5) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_a_wire_gives_the_transfer_of_its_blur(sigma):
    wire = np.zeros((64 * PARTS, 64 * PARTS))
    wire[160, 165] = 1e4
    image = 7 + averaged(ndimage.gaussian_filter(wire, sigma * PARTS))
    found = mtf_of_wire(image, 0.5)
    assert found.at(0.0) == pytest.approx(1.0)
    for f in (0.1, 0.3, 0.5):
        assert found.at(f) == pytest.approx(blurred(sigma, 0.5, f), abs=0.006)


REFUSED = {
    "a single region without its axis": lambda: nps(np.zeros((3, 4, 4)), 1.0),
    "no pixel": lambda: nps(np.zeros((3, 16, 16)), 0.0),
    "a cubic trend": lambda: nps(np.zeros((3, 16, 16)), 1.0, order=3),
    "a disc of a pixel": lambda: mtf(np.zeros((40, 40)), 1.0, centre=(20.0, 20.0), radius_mm=1.0),
    "a ring beyond the image": lambda: mtf(np.zeros((40, 40)), 1.0, centre=(10.0, 20.0), radius_mm=12.0),
    "an oblong of wire": lambda: mtf_of_wire(np.zeros((40, 30)), 1.0),
    "a level that is never met": lambda: Mtf(np.arange(3.0), np.ones(3)).frequency(0.5),
}


@pytest.mark.parametrize("what", list(REFUSED))
def test_refuses_what_cannot_be_measured(what):
    with pytest.raises(RangeError):
        REFUSED[what]()


def test_refuses_holes_and_missing_structures():
    holed = np.zeros((40, 40))
    holed[20, 8] = np.nan
    with pytest.raises(InputError, match="not finite"):
        edge_spread(holed, 1.0, centre=(20.0, 20.0), radius_mm=12.0, reach_mm=4.0)
    with pytest.raises(InputError, match="not finite"):
        nps(holed[None], 1.0)
    with pytest.raises(InputError, match="no edge"):
        mtf(np.zeros((40, 40)), 1.0, centre=(20.0, 20.0), radius_mm=12.0)
    with pytest.raises(InputError, match="no wire"):
        mtf_of_wire(np.random.default_rng(0).normal(size=(32, 32)), 1.0)
