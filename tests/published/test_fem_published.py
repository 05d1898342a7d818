"""A sphere that swells, and a beam that bends, in closed form."""

import numpy as np
import pytest

from gemel.core.image import Array
from gemel.engines.fem.elasticity import Fixed, border, displacement_mm, solid, von_mises_kPa

E_KPA, NU, PUSH_KPA = 4.0, 0.45, 1.0


def swelling(n: int) -> tuple[Array, Array, Array, float]:
    """Displacement and von Mises stress of a sphere of radius 1 in a box of edge 4; exact displacement; B.

    Of voxels on its surface the part within swells (512 points each); the border moves as in an endless medium.
    """
    h = 4.0 / n
    of = solid(np.full((n, n, n), E_KPA), NU, h)
    fine = (np.arange(8 * n) + 0.5) * h / 8 - 2.0
    inside = fine[:, None, None] ** 2 + fine[:, None] ** 2 + fine**2 < 1.0
    part = inside.reshape(n, 8, n, 8, n, 8).mean(axis=(1, 3, 5))
    place = np.moveaxis(np.indices((n + 1,) * 3) * h - 2.0, 0, -1)
    r = np.sqrt((place**2).sum(axis=-1, keepdims=True))
    bulk = E_KPA / (3 * (1 - 2 * NU))
    B = (1 + NU) / (3 * (1 - NU)) * PUSH_KPA / (3 * bulk)
    exact = B * place / np.maximum(r, 1.0) ** 3
    u = displacement_mm(of, Fixed(border(of), exact), pressure_kPa=PUSH_KPA * part)
    return u, von_mises_kPa(u, of), exact, B


def test_a_sphere_that_swells() -> None:
    """Eshelby 1957, Proc R Soc A 241:376: u = B r inside, B a³/r² outside; B = (1 + ν)/(3(1 − ν)) e*, e* = p/3K.

    Of the most, at 5, 10 and 20 voxels a diameter: a third of a radius from the surface 4, 2 and 0.3 %, of second order; in all the box by
    root mean square 7, 2 and 0.7 % (a surface of voxels: order 1.5).
    """
    errors, away = [], []
    for n in (10, 20, 40):
        u, _, exact, _ = swelling(n)
        r = np.sqrt((((np.indices((n + 1,) * 3)) * 4.0 / n - 2.0) ** 2).sum(axis=0))
        errors.append(float(np.sqrt(((u - exact) ** 2).mean() / (exact**2).mean())))
        away.append(float(np.abs(u - exact)[abs(r - 1.0) > 0.3].max() / np.abs(exact).max()))
    assert errors[2] < 0.01
    assert np.log2(errors[0] / errors[2]) / 2 > 1.4
    assert away[2] < 0.004
    assert np.log2(away[0] / away[2]) / 2 > 1.8


def test_stress_about_it() -> None:
    """σ_vM = 6 G B a³/r³ outside, to 1.5 % at r of 1.3 to 1.9 radii; none inside, to 1.5 % of that at the surface."""
    n = 40
    _, stress, _, B = swelling(n)
    r = np.sqrt((((np.indices((n, n, n)) + 0.5) * 4.0 / n - 2.0) ** 2).sum(axis=0))
    G = E_KPA / (2 * (1 + NU))
    ring, core = (r > 1.3) & (r < 1.9), r < 0.7
    np.testing.assert_allclose(stress[ring], 6 * G * B / r[ring] ** 3, rtol=0.015)
    assert stress[core].max() < 0.015 * 6 * G * B


@pytest.mark.parametrize(("poisson", "across", "least", "most"), [(0.3, 2, 0.8, 1.05), (0.3, 4, 0.94, 1.02), (0.49, 4, 0.94, 1.02)])
def test_a_beam_that_bends(poisson: float, across: int, least: float, most: float) -> None:
    """Tip of a cantilever ten times as long as wide, over that of Timoshenko's beam (κ = 10(1 + ν)/(12 + 11ν), Cowper 1966).

    Four bricks across: 0.96 also where ν is 0.49, where plain bricks lock (0.79).
    """
    long = 10 * across
    of = solid(np.full((long, across, across), 1000.0), poisson, 1.0)
    wall, load = np.zeros(of.nodes, dtype=bool), np.zeros((*of.nodes, 3))
    wall[0] = True
    load[-1, ..., 2] = 1.0 / (across + 1) ** 2
    tip = displacement_mm(of, Fixed(wall), force_mN=load)[-1, ..., 2].mean()
    shear, kappa = 1000.0 / (2 * (1 + poisson)), 10 * (1 + poisson) / (12 + 11 * poisson)
    exact = long**3 / (3 * 1000.0 * across**4 / 12) + long / (kappa * shear * across**2)
    assert least < tip / exact < most
