"""Runs side by side are the runs one by one."""

import numba
import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.engines import pde

RNG = np.random.default_rng(6)
MASK = RNG.random((9, 8, 10)) < 0.85
U0 = (RNG.random(MASK.shape) * 0.3).astype(np.float32)
K = RNG.random(MASK.shape) * 0.1
DRAWS = [
    pde.Draw(pde.logistic(0.1), 1.5, (pde.linear_quadratic(2.0, 2.0, 0.1, 0.01), pde.Exposure((1.0,), (1.0,), 5.0, K))),
    pde.Draw(pde.logistic(K, 0.8), 0.5),
    pde.Draw(pde.gompertz(0.05), 1.0, (pde.Event(4.0, 0.5),)),
]


def keep(u: Array) -> Array:
    return np.array([u.sum(dtype=np.float64), (u > 0.16).sum()])


def test_each_draw_is_the_run_by_itself_whatever_the_threads() -> None:
    field, times, before = 0.1 + K, [0.0, 3.0, 9.0], numba.get_num_threads()
    alone = [[keep(u) for u in pde.solve(U0, MASK, 1.0, field * draw.scale, draw.reaction, times, draw.events)] for draw in DRAWS]
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        found = pde.solve_many(U0, MASK, 1.0, field, DRAWS, times, keep)
        assert found.shape == (3, 3, 2)
        np.testing.assert_allclose(found, np.array(alone), rtol=2e-6)
    numba.set_num_threads(before)
    starts = np.stack([U0, 0.5 * U0, 0.1 * U0])
    own = pde.solve_many(starts, MASK, 1.0, field, DRAWS, times, lambda u: float(u.sum(dtype=np.float64)))
    assert own[:, 0] == pytest.approx(np.array([1.0, 0.5, 0.1]) * (U0 * MASK).sum(dtype=np.float64), rel=1e-6)


def test_tensors_and_what_each_run_keeps_for_itself() -> None:
    """Draws of a factor on a rotated tensor are runs by themselves; a draw's own `keep` takes the place of that of all."""
    tensor = np.array([[0.3, 0.1, 0.0], [0.1, 0.2, 0.05], [0.0, 0.05, 0.1]])
    seen: list[float] = []

    def own(u: Array) -> float:
        seen.append(float(u.sum(dtype=np.float64)))
        return 0.0

    draws = [pde.Draw(pde.logistic(0.1), 1.5), pde.Draw(pde.logistic(0.1), 0.5), pde.Draw(pde.logistic(0.1), 0.5, keep=own)]
    total, times = (lambda u: float(u.sum(dtype=np.float64))), [3.0, 9.0]
    found = pde.solve_many(U0, MASK, 1.0, tensor, draws, times, total)
    for row, draw in zip(found, draws[:2]):
        alone = pde.solve(U0, MASK, 1.0, tensor * draw.scale, draw.reaction, times)
        assert row == pytest.approx([u.sum(dtype=np.float64) for u in alone], rel=1e-6)
    assert (found[2] == 0).all()
    assert seen == pytest.approx(list(found[1]))


def test_draws_that_cannot_be() -> None:
    with pytest.raises(InputError, match="no draws"):
        pde.solve_many(U0, MASK, 1.0, 0.1, [], [1.0], keep)
    with pytest.raises(InputError, match="2 fields for 3 draws"):
        pde.solve_many(np.stack([U0, U0]), MASK, 1.0, 0.1, DRAWS, [9.0], keep)
    with pytest.raises(RangeError, match="diffusivity times"):
        pde.solve_many(U0, MASK, 1.0, 0.1, [pde.Draw(pde.logistic(0.1), -1.0)], [1.0], keep)
