"""What the elastic solver refuses, and how it says so; stress in closed form of simple strains."""

import numpy as np
import pytest

from gemel.core.errors import GemelError, GeometryError, InputError, RangeError
from gemel.engines.fem.elasticity import Fixed, border, displacement_mm, solid, stress_kPa, von_mises_kPa

BLOCK = solid(np.full((4, 4, 4), 3.0), 0.3, 1.0)


def test_solids_that_cannot_be() -> None:
    for wrong in (-1.0, np.nan, 0.0):
        with pytest.raises(RangeError, match="stiffness that is negative, not finite or 0 everywhere"):
            solid(np.full((3, 3, 3), wrong), 0.3, 1.0)
    for wrong in (-0.1, 0.5, np.nan):
        with pytest.raises(RangeError, match=r"0 to 0\.499"):
            solid(np.ones((3, 3, 3)), wrong, 1.0)
    for ratio, edge in ((np.full((2, 2, 2), 0.3), 1.0), (0.3, 0.0)):
        with pytest.raises(GeometryError, match="stiffness of shape"):
            solid(np.ones((3, 3, 3)), ratio, edge)


def test_loads_and_supports_that_cannot_be() -> None:
    with pytest.raises(InputError, match="nothing that is held"):
        displacement_mm(BLOCK, Fixed(np.zeros((5, 5, 5))))
    with pytest.raises(GeometryError, match="fixed nodes of shape"):
        displacement_mm(BLOCK, Fixed(np.ones((4, 4, 4))))
    with pytest.raises(GeometryError, match="displacements of shape"):
        displacement_mm(BLOCK, Fixed(border(BLOCK), np.ones((5, 5, 5))))
    with pytest.raises(GeometryError, match="a load of shape"):
        displacement_mm(BLOCK, Fixed(border(BLOCK)), pressure_kPa=np.ones((5, 5, 5)))
    with pytest.raises(RangeError, match="a load that is not finite"):
        displacement_mm(BLOCK, Fixed(border(BLOCK)), force_mN=np.full((5, 5, 5, 3), np.nan))


def test_a_part_that_nothing_holds() -> None:
    """A loose block beside a held one, pushed: said, not guessed."""
    stiff = np.ones((9, 3, 3))
    stiff[4] = 0.0
    of, load = solid(stiff, 0.3, 1.0), np.zeros((10, 4, 4, 3))
    held = np.zeros(of.nodes)
    held[0], load[-1, ..., 0] = 1, 1.0
    with pytest.raises(GemelError, match="hold every part"):
        displacement_mm(of, Fixed(held), force_mN=load)


def test_stress_of_a_stretch() -> None:
    """Free to contract: σ = E ε along it, and von Mises's stress the same; nothing across."""
    place = np.moveaxis(np.indices((5, 5, 5)).astype(float), 0, -1)
    u = place * np.array([0.01, -0.003, -0.003])
    stress = stress_kPa(u, BLOCK)
    assert stress[..., 0, 0] == pytest.approx(0.03)
    assert np.abs(stress[..., 1, 1]).max() < 1e-15
    assert von_mises_kPa(u, BLOCK) == pytest.approx(0.03)


def test_one_component_held() -> None:
    """A block on rollers, pressed: it spreads by Poisson's ratio, even in one-voxel layers."""
    of = solid(np.full((3, 1, 5), 2.0), 0.25, (1.0, 2.0, 0.5))
    held, value = np.zeros((*of.nodes, 3), dtype=bool), np.zeros((*of.nodes, 3))
    held[0, ..., 0] = held[:, 0, :, 1] = held[..., 0, 2] = held[..., -1, 2] = True
    value[..., -1, 2] = -0.1
    u = displacement_mm(of, Fixed(held, value), tolerance=1e-11)
    assert u[-1, ..., 0] == pytest.approx(0.25 * 0.1 / 2.5 * 3.0, rel=1e-8)
    assert u[:, -1, :, 1] == pytest.approx(0.25 * 0.1 / 2.5 * 2.0, rel=1e-8)
