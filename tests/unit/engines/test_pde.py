"""What the engine of reaction and diffusion refuses, and how it says so."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, InputError, RangeError, StructureError
from gemel.engines import pde

ONES = np.ones((4, 4, 4))


def test_an_empty_mask() -> None:
    with pytest.raises(StructureError, match="empty mask"):
        pde.solve(ONES, 0 * ONES, 1.0, 0.1, None, [1.0])


@pytest.mark.parametrize("spacing", [0.0, -1.0, np.nan, (1.0, 1.0, 0.0), (1.0, 1.0)])
def test_a_spacing_not_over_zero(spacing: float) -> None:
    with pytest.raises(GeometryError, match="spacing"):
        pde.solve(ONES, ONES, spacing, 0.1, None, [1.0])


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf])
def test_fields_that_cannot_be(value: float) -> None:
    odd = ONES.copy()
    odd[1, 2, 3] = value
    with pytest.raises(RangeError, match="field that is negative or not finite"):
        pde.solve(odd, ONES, 1.0, 0.1, None, [1.0])
    with pytest.raises(RangeError, match="diffusivity that is negative or not finite"):
        pde.solve(ONES, ONES, 1.0, odd, None, [1.0])
    with pytest.raises(RangeError, match="other than 0 and 1"):
        pde.solve(ONES, odd, 1.0, 0.1, None, [1.0])


def test_odd_values_outside_the_mask_do_not_matter() -> None:
    mask, odd = ONES.copy(), ONES.copy()
    mask[0], odd[0] = 0, np.nan
    found = pde.solve(odd, mask, 1.0, odd, pde.logistic(0.1), [3.0])[0]
    assert found[1:] == pytest.approx(1.0)
    assert not found[0].any()


def test_a_step_that_is_not_stable_names_the_stable_one() -> None:
    """h²/(6D + k h²/2) in the middle of a volume."""
    stable = 1 / (6 * 0.5 + 0.1 / 2)
    assert pde.stable_step(ONES, 1.0, 0.5, pde.logistic(0.1)) == pytest.approx(stable)
    with pytest.raises(RangeError, match=f"{stable:.6g}"):
        pde.solve(ONES, ONES, 1.0, 0.5, pde.logistic(0.1), [10.0], dt_days=1.01 * stable)
    assert np.isfinite(pde.solve(ONES, ONES, 1.0, 0.5, pde.logistic(0.1), [10.0], dt_days=stable)).all()
    for wrong in (0.0, -1.0, np.nan):
        with pytest.raises(RangeError, match="stable one"):
            pde.solve(ONES, ONES, 1.0, 0.5, None, [10.0], dt_days=wrong)


@pytest.mark.parametrize("times", [[], [-1.0], [2.0, 1.0], [np.nan]])
def test_times_that_cannot_be(times: list[float]) -> None:
    with pytest.raises(RangeError, match="times"):
        pde.solve(ONES, ONES, 1.0, 0.1, None, times)


def test_events_that_cannot_be() -> None:
    with pytest.raises(RangeError, match="event at 11"):
        pde.solve(ONES, ONES, 1.0, 0.1, None, [10.0], [pde.Event(11.0)])
    with pytest.raises(RangeError, match="survival"):
        pde.solve(ONES, ONES, 1.0, 0.1, None, [10.0], [pde.Event(1.0, survival=-0.1)])
    with pytest.raises(GeometryError, match="added"):
        pde.solve(ONES, ONES, 1.0, 0.1, None, [10.0], [pde.Event(1.0, added=np.ones((2, 2, 2)))])


def test_shapes_and_reactions_that_do_not_fit() -> None:
    with pytest.raises(GeometryError, match="field of shape"):
        pde.solve(np.ones((3, 4, 4)), ONES, 1.0, 0.1, None, [1.0])
    with pytest.raises(GeometryError, match="parameter of shape"):
        pde.solve(ONES, ONES, 1.0, 0.1, pde.logistic(np.ones((2, 2, 2))), [1.0])
    with pytest.raises(RangeError, match="capacity"):
        pde.logistic(0.1, 0.0)
    with pytest.raises(RangeError, match="order"):
        pde.solve(ONES, ONES, 1.0, 0.1, None, [1.0], order=4)
    with pytest.raises(RangeError, match="no diffusivity for the labels"):
        pde.by_region(np.array([[[0, 1, 2]]]), {0: 0.0, 1: 0.1})


def test_a_grid_too_coarse_for_its_front_is_warned_about() -> None:
    with pytest.warns(UserWarning, match="coarse"):
        pde.solve(ONES, ONES, 2.0, 0.02, pde.logistic(0.1), [1.0])


def test_rest_needs_a_supply() -> None:
    with pytest.raises(InputError, match="nothing that supplies"):
        pde.at_rest(ONES, 1.0, 0.1, pde.michaelis_menten(1.0, 1.0))
    with pytest.raises(RangeError, match="exchange"):
        pde.at_rest(ONES, 1.0, 0.1, pde.michaelis_menten(1.0, 1.0), exchange=-ONES, supply=1.0)
    with pytest.raises(RangeError, match="half"):
        pde.michaelis_menten(1.0, 0.0)
