"""What the elliptic solver refuses, and how it says so."""

import numpy as np
import pytest

from gemel.core.errors import GemelError, GeometryError, RangeError
from gemel.engines.pde.domain import domain
from gemel.engines.pde.elliptic import Held, elliptic, solved_by, system

ON = domain(np.ones((6, 6, 6)), 1.0)


def test_sources_that_cannot_flow_out() -> None:
    """Also in one of two parts, the other held."""
    with pytest.raises(RangeError, match=r"sources of 216.*nothing can leave.*sum to 0"):
        elliptic(ON, 1.0, source=1.0)
    mask, held = np.ones((7, 4, 4)), np.zeros((7, 4, 4))
    mask[3], held[0] = 0, 1
    with pytest.raises(RangeError, match="sources of 48 "):
        elliptic(domain(mask, 1.0), 1.0, source=1.0, held=Held(held))
    wall, alone = np.where(np.arange(6) == 3, 0.0, 1.0)[:, None, None] * np.ones((6, 6, 6)), np.zeros((6, 6, 6))
    alone[0, 0, 0], alone[5, 5, 5] = 1.0, -1.0
    with pytest.raises(RangeError, match="sources of 1 "):
        elliptic(ON, wall, source=alone)
    alone[5, 5, 5], alone[0, 0, 0], alone[3, 3, 3] = 0.0, 0.0, 2.0
    with pytest.raises(RangeError, match="sources of 2 "):
        elliptic(ON, wall, source=alone)


def test_maps_that_cannot_be() -> None:
    odd = np.ones((6, 6, 6))
    odd[1, 2, 3] = -1.0
    with pytest.raises(RangeError, match="loss that is negative"):
        elliptic(ON, 1.0, loss=odd)
    with pytest.raises(RangeError, match="diffusivity that is negative"):
        elliptic(ON, odd)
    odd[1, 2, 3] = np.nan
    with pytest.raises(RangeError, match="source that is not finite"):
        elliptic(ON, 1.0, source=odd, loss=1.0)
    with pytest.raises(GeometryError, match="source of shape"):
        elliptic(ON, 1.0, source=np.ones((2, 2, 2)), loss=1.0)
    with pytest.raises(GeometryError, match="held voxels of shape"):
        elliptic(ON, 1.0, held=Held(np.ones((2, 2, 2))))
    with pytest.raises(GeometryError, match="held values of shape"):
        elliptic(ON, 1.0, held=Held(np.ones((6, 6, 6)), np.ones((2, 2, 2))))


def test_voxels_through_which_nothing_passes() -> None:
    """p = q/s where K is 0."""
    conductivity = np.ones((6, 6, 6))
    conductivity[:3] = 0.0
    found = elliptic(ON, conductivity, source=np.arange(216.0).reshape(6, 6, 6), loss=2.0)
    assert found[:3] == pytest.approx(np.arange(108.0).reshape(3, 6, 6) / 2.0, abs=1e-6)


def test_all_voxels_held() -> None:
    assert elliptic(ON, 1.0, held=Held(np.ones((6, 6, 6)), 3.0)) == pytest.approx(3.0)


def test_conductivities_too_far_apart() -> None:
    """Twelve decades from voxel to voxel: said, not guessed."""
    rng = np.random.default_rng(0)
    conductivity = 10.0 ** rng.uniform(-9, 3, (16, 16, 16))
    with pytest.raises(GemelError, match="a residual of"):
        elliptic(domain(np.ones(conductivity.shape), 1.0), conductivity, source=rng.normal(size=conductivity.shape), loss=1e-9)


def test_as_near_as_rounding_lets_it_be() -> None:
    """A tolerance below rounding is met as well as can be: 1e-13 of the right-hand side."""
    right = np.random.default_rng(0).normal(size=ON.inside.shape) * ON.inside
    found = solved_by(system(ON, 1.0, 1.0, None), right, tolerance=1e-30)
    assert 0 < found.relative < 1e-13
