"""Heat of currents in closed form: a ball-shaped electrode, a needle, and the balance of power."""

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.engines.pde.domain import domain
from gemel.engines.pde.elliptic import Held
from gemel.engines.pde.joule import joule_W_m3

SIGMA, VOLT = 0.3, 20.0


def test_power_about_a_ball_falls_with_the_fourth_power() -> None:
    """σ|∇φ|² = I²/(16π²σr⁴), I = 4πσV/(1/a − 1/R): Jackson 1999, Classical electrodynamics, §2.

    To 2 % in the mean and 8 % in each voxel from three beyond the ball; its radius from the current is a to half a voxel.
    """
    n, a, R = 49, 6.0, 23.0
    r = np.sqrt(((np.indices((n, n, n)) - n // 2) ** 2).sum(axis=0))
    held = Held((r <= a) | (r >= R), np.where(r <= a, VOLT, 0.0))
    heat, _ = joule_W_m3(domain(r < R + 1, 1.0), SIGMA, held=held)
    power_W = float(heat.sum()) * 1e-9
    away = (r > a + 3) & (r < R - 3)
    current_A = power_W / VOLT
    assert 1 / (4 * np.pi * SIGMA * VOLT * 1e-3 / current_A + 1 / R) == pytest.approx(a, abs=0.5)
    closed = current_A**2 / (16 * np.pi**2 * SIGMA * (r[away] * 1e-3) ** 4)
    np.testing.assert_allclose(heat[away], closed, rtol=0.08)
    assert (heat[away] / closed).mean() == pytest.approx(1.0, abs=0.02)
    slope = np.polyfit(np.log(r[away]), np.log(heat[away]), 1)[0]
    assert slope == pytest.approx(-4.0, abs=0.05)


def test_between_plates_all_heats_alike() -> None:
    """σ(V/L)² and, in series, I²/σ of each layer: exactly."""
    shape = (12, 3, 4)
    held, value = np.zeros(shape, dtype=bool), np.zeros(shape)
    held[[0, -1]], value[0] = True, VOLT
    sigma = np.where(np.arange(12) < 6, 0.3, 0.1)[:, None, None] * np.ones(shape)
    heat, _ = joule_W_m3(domain(np.ones(shape), 2.0), sigma, held=Held(held, value))
    density = VOLT / (5.5 * 2e-3 / 0.3 + 5.5 * 2e-3 / 0.1)
    assert heat[2:5] == pytest.approx(density**2 / 0.3, rel=1e-6)
    assert heat[7:10] == pytest.approx(density**2 / 0.1, rel=1e-6)
    assert heat.sum() * 8e-9 == pytest.approx(density * VOLT * 12 * 4e-6, rel=1e-6)


def test_what_is_taken_up_is_what_the_current_gives() -> None:
    """Σ iφ = Σ σ|∇φ|² in uneven tissue, to 1e-8, with voxels of three lengths; nothing in what is held."""
    rng = np.random.default_rng(1)
    shape = (11, 9, 10)
    held, current = np.zeros(shape, dtype=bool), np.zeros(shape)
    held[[0, -1]], held[:, -1] = True, True
    current[4:6, 4, 3:8] = rng.uniform(1e6, 2e6, (2, 5))
    heat, phi = joule_W_m3(domain(np.ones(shape), (1.0, 2.0, 1.5)), np.exp(rng.normal(size=shape)), held=Held(held), current_A_m3=current)
    assert heat.sum() == pytest.approx((current * phi).sum(), rel=1e-8)
    assert not heat[held].any()
    assert (heat >= 0).all()


def test_tissue_that_conducts_nothing_is_refused() -> None:
    sigma = np.ones((4, 4, 4))
    sigma[1, 1, 1] = 0.0
    with pytest.raises(RangeError, match="not over 0"):
        joule_W_m3(domain(np.ones(sigma.shape), 1.0), sigma, held=Held(np.indices(sigma.shape)[0] == 0), current_A_m3=1.0)
