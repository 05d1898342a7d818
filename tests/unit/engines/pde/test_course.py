"""What is done when."""

from itertools import pairwise

import numpy as np
import pytest

from gemel.engines import pde
from gemel.engines.pde.adjoint.tape import stretches
from gemel.engines.pde.course import Fade, Output, Steps, course
from gemel.engines.pde.events import Exposure
from gemel.engines.pde.fading import fade


def test_steps_end_on_every_date_and_events_come_before_outputs() -> None:
    event = pde.Event(2.5)
    found = course(np.array([0.0, 2.5, 4.0]), (event,), (), 1.0)
    kinds = [type(act).__name__ for act in found]
    assert kinds == ["Output", "Steps", "Event", "Output", "Steps", "Output"]
    steps = [act for act in found if isinstance(act, Steps)]
    assert [(act.start, act.stop, act.count) for act in steps] == [(0.0, 2.5, 3), (2.5, 4.0, 2)]
    assert [act for act in found if isinstance(act, Output)] == [Output(0, 1), Output(1, 2), Output(2, 3)]


def test_losses_cover_all_time_once_while_they_matter() -> None:
    exposure = Exposure((1.0, 3.0), (1.0, 0.5), 2.0)
    found = [act for act in course(np.array([6.0]), (), (exposure,), 0.5) if isinstance(act, Fade)]
    assert all(one.stop == other.start for one, other in pairwise(found))
    assert found[0].start == 1.0
    assert sum(exposure.integral(one.start, one.stop) for one in found) == pytest.approx(exposure.integral(0.0, 6.0), rel=1e-14)
    assert not [act for act in course(np.array([0.9]), (), (Exposure((0.9,), (1.0,), 2.0),), 0.5) if isinstance(act, Fade)]


def test_stretches_hold_every_move_in_order() -> None:
    acts = tuple(course(np.array([2.0, 9.0]), (pde.Event(3.0),), (Exposure((4.0,), (1.0,), 3.0),), 0.1))
    found = stretches(acts, 3)

    def moves(over: tuple[object, ...]) -> int:
        return sum(act.count if isinstance(act, Steps) else 1 for act in over)

    whole = [act for one in found for act in one]
    assert moves(tuple(whole)) == moves(acts)
    assert max(map(moves, found)) <= np.sqrt(moves(acts) / 4) + 1
    steps = [act for act in whole if isinstance(act, Steps)]
    assert all(one.stop == pytest.approx(other.start, abs=1e-12) for one, other in pairwise(steps))
    assert sum(act.stop - act.start for act in steps) == pytest.approx(9.0)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 2e-14), (np.float32, 2e-5)])
def test_survival_without_a_call(dtype: type, tolerance: float) -> None:
    """e^{−z} for z from 10⁻⁸ to 30, and nothing under zero beyond."""
    lost = np.geomspace(1e-8, 30.0, 200).reshape(2, 10, 10).astype(dtype)
    u = np.full(lost.shape, 2.0, dtype=dtype)
    fade(u, lost)
    assert np.abs(u / 2 - np.exp(-lost.astype(np.float64))).max() < tolerance
    far = np.full((1, 2, 2), 3.0, dtype=dtype)
    fade(far, np.full((1, 2, 2), 1e6, dtype=dtype))
    assert (far >= 0).all()
    assert far.max() < 1e-6
