"""Fronts and steady profiles in closed form."""

import numpy as np
import pytest

from gemel.engines import pde


@pytest.mark.parametrize(("D", "k", "h", "speed"), [(0.1, 0.1, 1.0, 0.20734), (0.1, 0.1, 2.0, 0.22334), (0.13, 0.025, 2.0, 0.11732)])
def test_speed_of_a_front_on_a_grid(D: float, k: float, h: float, speed: float) -> None:
    """min over s of [k + (2D/h²)(cosh sh − 1)]/s, van Saarloos 2003, Phys Rep 386:29, with the delay of a pulled front; 0.3 %.

    Bramson 1983, Mem Am Math Soc 285: v(t) = v* − 3/(2 s* t), s* where the minimum is.
    """
    s = np.linspace(0.05, 3.0, 20000) * np.sqrt(k / D)
    speeds = (k + 2 * D / h**2 * (np.cosh(s * h) - 1)) / s
    assert speeds.min() == pytest.approx(speed, abs=6e-6)
    start = np.zeros((700, 1, 1))
    start[:5] = 1.0
    times = np.array([60.0, 80.0]) / k
    if h * np.sqrt(k / D) > 1:
        with pytest.warns(UserWarning, match="coarse"):
            found = pde.solve(start, np.ones_like(start), h, D, pde.logistic(k), times)
    else:
        found = pde.solve(start, np.ones_like(start), h, D, pde.logistic(k), times)
    place = found.sum(axis=(1, 2, 3)) * h
    delay = 1.5 / s[speeds.argmin()] * np.log(times[1] / times[0])
    assert (place[1] - place[0] + delay) / (times[1] - times[0]) == pytest.approx(speed, rel=0.003)


def test_exact_travelling_wave() -> None:
    """Ablowitz & Zeppetella 1979, Bull Math Biol 41:835: u = [1 + e^{√(k/6D)(x − x₀) − 5kt/6}]⁻²; of second order, 1e-3 at h = 0.25."""
    D, k, errors = 0.1, 0.1, []
    for h in (0.5, 0.25):
        x = (np.arange(int(75 / h)) + 0.5) * h
        start, end = ((1 + np.exp(np.sqrt(k / (6 * D)) * (x - 15.0) - 5 * k * t / 6)) ** -2.0 for t in (0.0, 100.0))
        found = pde.solve(start[:, None, None], np.ones((len(x), 1, 1)), h, D, pde.logistic(k), [100.0])[0, :, 0, 0]
        errors.append(np.abs(found - end)[(x > 10) & (x < 65)].max())  # away from walls that the wave does not know
    assert errors[1] < 1e-3
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)


def test_spreading_of_a_gaussian() -> None:
    """σ² = σ₀² + 2Dt along each axis of voxels that are no cubes; 1e-3. Crank 1975, The mathematics of diffusion, eq. 2.6."""
    spacing = np.array([1.0, 0.8, 1.25])
    place = [(np.arange(n) - (n - 1) / 2) * h for n, h in zip((41, 51, 33), spacing)]
    start = np.exp(-(place[0][:, None, None] ** 2 + place[1][:, None] ** 2 + place[2] ** 2) / (2 * 2.0**2))
    found = pde.solve(start, np.ones(start.shape), spacing, 0.2, None, [15.0])[0]
    for axis in range(3):
        profile = found.sum(axis=tuple(a for a in range(3) if a != axis))
        assert (profile * place[axis] ** 2).sum() / profile.sum() == pytest.approx(4.0 + 2 * 0.2 * 15.0, rel=1e-3)
