"""What transport refuses; what a flow says of itself."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.engines.pde.advection import Medium, transport
from gemel.engines.pde.domain import domain
from gemel.engines.pde.elliptic import Held
from gemel.engines.pde.flow import darcy


def flow_along(axis: int) -> tuple[np.ndarray, Held]:
    shape = (4, 5, 6)
    held = np.zeros(shape, dtype=bool)
    ends = [tuple(end if a == axis else slice(None) for a in range(3)) for end in (0, -1)]
    held[ends[0]] = held[ends[1]] = True
    value = np.zeros(shape)
    value[ends[0]] = 6.0
    return value, Held(held, value)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_speed_is_conductivity_times_slope(axis: int) -> None:
    value, held = flow_along(axis)
    on = domain(np.ones(value.shape), (1.0, 2.0, 0.5))
    speed = darcy(on, 0.3, held=held).speed_mm_s()
    length = (value.shape[axis] - 1) * (1.0, 2.0, 0.5)[axis]
    inner = (slice(1, -1),) * 3
    assert speed[axis][inner] == pytest.approx(0.3 * 6.0 / length, rel=1e-8)
    assert np.abs(np.delete(speed, axis, axis=0)).max() < 1e-8


def test_what_cannot_be() -> None:
    value, held = flow_along(0)
    flow = darcy(domain(np.ones(value.shape), 1.0), 1.0, held=held)
    with pytest.raises(RangeError, match="porosity not over zero"):
        transport(flow, Medium(0.0), t_s=np.array([1.0]))
    with pytest.raises(RangeError, match="porosity that is negative"):
        transport(flow, Medium(-1.0), t_s=np.array([1.0]))
    with pytest.raises(RangeError, match="times"):
        transport(flow, Medium(), t_s=np.array([2.0, 1.0]))
    with pytest.raises(RangeError, match="order"):
        transport(flow, Medium(), t_s=np.array([1.0]), order=3)
    with pytest.raises(GeometryError, match="source of shape"):
        transport(flow, Medium(source=np.ones((2, 2, 2))), t_s=np.array([1.0]))


def test_no_flow_no_change() -> None:
    flow = darcy(domain(np.ones((3, 4, 5)), 1.0), 1.0)
    found = transport(flow, Medium(0.2), t_s=np.array([0.0, 50.0]), c0=2.0)
    assert found.c == pytest.approx(2.0)
    assert found.held == pytest.approx(2.0 * 0.2 * 60)
