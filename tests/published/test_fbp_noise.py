"""Noise of filtered back-projection at the centre of four water objects, predicted from the counts of each ray.

360 parallel views of 601 rays 1 mm apart, μ = 0.0192/mm, 2e5 photons a ray. Brooks & Di Chiro 1976, Phys Med Biol 21:390 (a circle);
Kak & Slaney 1988, ch. 5 (ray by ray). The values are those of a plain double sum over views and rays.
"""

import numpy as np
import pytest

from gemel.core.image import Array
from gemel.engines.project import Fan, Grid, Parallel, fbp, log_bias, log_variance, starved, variance

MU_1_mm, PHOTONS, VIEWS, RAYS = 0.0192, 2e5, 360, 601
PARALLEL = Parallel(np.arange(VIEWS) * np.pi / VIEWS, RAYS, 1.0)
CURVED = Fan(600.0, 1000.0, 701, 1.2, np.arange(VIEWS) * 2 * np.pi / VIEWS, 0.3, True)
# Half axes in mm; standard deviation and bias in HU, lowest count.
OBJECTS = {
    "circle 20 cm": (100.0, 100.0, 37.97, 0.05, 4299),
    "circle 30 cm": (150.0, 150.0, 99.2, 0.27, 630),
    "ellipse 35 x 26 cm": (175.0, 130.0, 108.7, 0.35, 241),
    "ellipse 48 x 20 cm": (240.0, 100.0, 213.2, 2.17, 20),
}


def counts(half_axes_mm: tuple[float, float], geometry: Parallel | Fan) -> Array:
    """Photons behind an ellipse of water, from the chord of each ray."""
    (a, b), beta = half_axes_mm, geometry.angles_rad[:, None]
    u = (np.arange(geometry.n_u) - 0.5 * (geometry.n_u - 1)) * geometry.pitch_u_mm + geometry.offset_u_mm
    normal, t = beta + 0.5 * np.pi, u
    if isinstance(geometry, Fan):
        gamma = u / geometry.source_detector_mm
        normal, t = beta + 0.5 * np.pi - gamma, geometry.source_isocentre_mm * np.sin(gamma)
    width = (a * np.cos(normal)) ** 2 + (b * np.sin(normal)) ** 2
    return PHOTONS * np.exp(-MU_1_mm * 2 * a * b * np.sqrt(np.maximum(width - t**2, 0.0)) / width)


def hu(mu_1_mm: Array) -> Array:
    """Hounsfield units of a deviation from water."""
    return mu_1_mm / MU_1_mm * 1000


@pytest.mark.parametrize("name", list(OBJECTS))
def test_predicted_noise_bias_and_lowest_count(name: str) -> None:
    *axes_mm, sd_HU, bias_HU, lowest = OBJECTS[name]
    photons = counts((axes_mm[0], axes_mm[1]), PARALLEL)
    found = np.sqrt(variance(np.zeros((1, 3)), PARALLEL, log_variance=log_variance(photons)))
    assert hu(found)[0] == pytest.approx(sd_HU, rel=0.001)
    biased = fbp(log_bias(photons)[:, None, :], PARALLEL, grid=Grid((1, 1, 1), (1.0, 1.0, 1.0)))
    assert hu(biased)[0, 0, 0] == pytest.approx(bias_HU, abs=0.012)
    assert photons.min() == pytest.approx(lowest, abs=0.6)
    assert starved(photons).any() == (lowest <= 20)


SCANS = [pytest.param(name, PARALLEL, id=name) for name in OBJECTS] + [
    pytest.param(name, CURVED, id=f"{name}, fan", marks=[] if "35" in name else [pytest.mark.full]) for name in OBJECTS
]


@pytest.mark.parametrize("name, geometry", SCANS)
def test_predicted_noise_is_that_of_simulated_scans(name: str, geometry: Parallel | Fan) -> None:
    """40 scans, each a slice of one stack, at 49 points 5 mm apart: 1960 values, 1.6 % (one standard deviation) against 5 %."""
    scans, grid = 40, Grid((7, 7, 40), (5.0, 5.0, 1.0), (1.3, -0.4, 0.0))
    photons = counts((OBJECTS[name][0], OBJECTS[name][1]), geometry)
    drawn = np.random.default_rng(7).poisson(photons[:, None, :], size=(photons.shape[0], scans, photons.shape[1]))
    image = fbp(np.log(PHOTONS / np.maximum(drawn, 1)), geometry, grid=grid)
    x, y = (grid.first_mm[i] + 5.0 * np.arange(7) for i in (0, 1))
    points = np.stack([*np.meshgrid(x, y, indexing="ij"), np.zeros((7, 7))], axis=-1).reshape(-1, 3)
    predicted = variance(points, geometry, log_variance=log_variance(photons)).reshape(7, 7)
    assert np.sqrt((image.var(axis=2, ddof=1) / predicted).mean()) == pytest.approx(1.0, abs=0.05)
