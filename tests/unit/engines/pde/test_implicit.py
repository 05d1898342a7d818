"""What implicit steps refuse."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.engines.pde.implicit import solve_implicit

ONES = np.ones((4, 4, 4))


def test_orders_and_steps_that_cannot_be() -> None:
    with pytest.raises(RangeError, match="an order of 3"):
        solve_implicit(ONES, ONES, 1.0, 0.1, None, [1.0], order=3)
    for wrong in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(RangeError, match="a step of"):
            solve_implicit(ONES, ONES, 1.0, 0.1, None, [1.0], dt_days=wrong)


def test_fields_that_cannot_be() -> None:
    odd = ONES.copy()
    odd[1, 2, 3] = np.nan
    with pytest.raises(RangeError, match="diffusivity"):
        solve_implicit(ONES, ONES, 1.0, odd, None, [1.0])
    with pytest.raises(RangeError, match="field that is negative or not finite"):
        solve_implicit(odd, ONES, 1.0, 0.1, None, [1.0])
    with pytest.raises(GeometryError, match="diffusivities of 2 species"):
        solve_implicit(ONES, ONES, 1.0, np.array([0.1, 0.2]), None, [1.0])


def test_one_long_step_where_nothing_hurries() -> None:
    """Without reaction and diffusion any time is one step, and nothing changes."""
    assert solve_implicit(ONES, ONES, 1.0, 0.0, None, [1e6]) == pytest.approx(1.0)
