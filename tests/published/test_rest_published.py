"""Oxygen at rest in closed form: spheroids with and without an anoxic core, and Krogh's cylinder."""

import numpy as np
import pytest
from scipy.optimize import brentq

from gemel.core.image import Array
from gemel.engines import pde

D, M, C0 = 2.0e-3, 15.0, 40.0
FLAT = 1e-3  # half value, so small that use hardly depends on what is there


def profile(r: Array, R: float, core: float) -> Array:
    """C = (M/6D)(r² + 2 core³/r − 3 core²) + C₀ less the same at R; core 0: C₀ − (M/6D)(R² − r²)."""

    def shape(at: Array | float) -> Array:
        return np.asarray(at**2 + 2 * core**3 / np.maximum(at, 1e-9))

    return np.asarray(C0 - M / (6 * D) * (shape(R) - shape(r)))


def spheroid(n: int, R: float) -> tuple[Array, Array, Array]:
    """What is found, what is exact, and distances; voxels just outside are held at the profile gone on."""
    h = 2 * R / (n - 4)
    r = np.sqrt((((np.indices((n, n, n)) - (n - 1) / 2) * h) ** 2).sum(axis=0))
    core = 0.0
    if 6 * D * C0 / M < R**2:
        core = brentq(lambda c: R**2 + 2 * c**3 / R - 3 * c**2 - 6 * D * C0 / M, 0.0, R)
    exact = np.where(r >= core, profile(r, R, core), 0.0)
    found = pde.at_rest(r < R + 1.8 * h, h, D, pde.michaelis_menten(M, FLAT), held=r >= R, supply=np.maximum(exact, 0.0), tolerance=1e-6)
    return found, exact, r


def test_spheroid_that_is_oxygenated_throughout() -> None:
    """C = C₀ − (M/6D)(R² − r²), exact on any grid (a parabola); R of 0.9 of that where the core begins to lack. Greenspan 1972."""
    R = 0.9 * np.sqrt(6 * D * C0 / M)
    found, exact, r = spheroid(21, R)
    inner = r < R
    np.testing.assert_allclose(found[inner], exact[inner], atol=0.01 * C0)
    assert found[10, 10, 10] == pytest.approx(C0 * (1 - 0.81), abs=0.01 * C0)


def test_an_anoxic_core_appears() -> None:
    """From R = √(6DC₀/M) = 179 µm on: none just below, and at 1.5 times that a core of the radius of flux 0, to a voxel."""
    most = np.sqrt(6 * D * C0 / M)
    assert most == pytest.approx(0.179, abs=5e-4)
    below = spheroid(25, 0.97 * most)[0]
    assert below[12, 12, 12] > 0.03 * C0
    R = 1.5 * most
    found, exact, r = spheroid(41, R)
    np.testing.assert_allclose(found[r < R], exact[r < R], atol=0.01 * C0)
    core = brentq(lambda c: R**2 + 2 * c**3 / R - 3 * c**2 - most**2, 0.0, R)
    h = 2 * R / 37
    volume = np.count_nonzero((found < 0.001 * C0) & (r < R)) * h**3
    assert (3 * volume / (4 * np.pi)) ** (1 / 3) == pytest.approx(core, abs=h)


def test_krogh_cylinder() -> None:
    """Krogh 1919, J Physiol 52:409 (Erlang): C = C₀ + (M/4D)(r² − r_c²) − (M R²/2D) ln(r/r_c); 1 % of the drop, R by the area of voxels."""
    n, R, capillary = 101, 0.05, 0.01
    h = 2 * R / n
    r = np.sqrt((((np.indices((n, n)) - (n - 1) / 2) * h) ** 2).sum(axis=0))[..., None]
    mask = r < R
    reach = np.sqrt(np.count_nonzero(mask) * h**2 / np.pi)
    exact = C0 + M / (4 * D) * (r**2 - capillary**2) - M * reach**2 / (2 * D) * np.log(np.maximum(r, h) / capillary)
    found = pde.at_rest(mask, h, D, pde.michaelis_menten(M, FLAT), held=r <= capillary, supply=exact, tolerance=1e-8)
    tissue = mask & (r > capillary)
    assert exact[tissue].min() > 20.0
    np.testing.assert_allclose(found[tissue], exact[tissue], atol=0.01 * (C0 - exact[tissue].min()))
