"""What a way back keeps: no more than it may, and the same answer."""

import tracemalloc

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.engines import pde
from gemel.engines.pde.adjoint.tape import branches, parted, tape
from gemel.engines.pde.course import Act, Output

SHAPE = (16, 15, 14)
RNG = np.random.default_rng(9)
U0, MASK, K = RNG.random(SHAPE) * 0.3, RNG.random(SHAPE) < 0.8, RNG.random(SHAPE) * 0.1
EVENTS = [pde.linear_quadratic(3.1, 2.0, 0.05, 0.005), pde.Exposure((1.0, 8.0), (1.0, 0.5), 9.24, 0.3), pde.Event(11.0, 0.9, 0.01)]
FIELD_MB = 18 * 17 * 16 * 8 / 1e6


def found(memory_MB: float) -> tuple[pde.Gradient, float]:
    """And what was in memory at most beside what was before, in MB."""
    tracemalloc.start()
    try:
        weight = np.ones((2, *SHAPE))
        gradient = pde.gradient(U0, MASK, 1.0, 0.2, pde.logistic(K), [6.0, 12.0], weight, EVENTS, 0.1, memory_MB=memory_MB)[1]
        return gradient, tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def test_less_memory_the_same_derivative() -> None:
    """1e-13; what all ways need (two fields, their adjoint, conductances, derivatives, the answer) is 36 fields here."""
    free, most = found(4096.0)
    for memory_MB in (36 * FIELD_MB, 28 * FIELD_MB):
        tight, need = found(memory_MB)
        np.testing.assert_allclose(tight.u0, free.u0, rtol=1e-13)
        np.testing.assert_allclose(np.asarray(tight.k_1_d), np.asarray(free.k_1_d), rtol=1e-13)
        assert tight.diffusivity_mm2_d == pytest.approx(free.diffusivity_mm2_d, rel=1e-12)
        assert tight.along_events() == pytest.approx(free.along_events(), rel=1e-13)
        assert need < memory_MB + 36 * FIELD_MB
        assert need < most - 8 * FIELD_MB


def test_too_little_memory_is_refused() -> None:
    for memory_MB in (FIELD_MB, 0.0, np.nan):
        with pytest.raises(RangeError, match="memory_MB"):
            found(memory_MB)


@pytest.mark.parametrize("fields", [40, 60, 200, 5000])
@pytest.mark.parametrize("moves", [1, 17, 500, 2000])
def test_checkpoints_fit_their_room(moves: int, fields: int) -> None:
    """Walking the tree: what is kept at once, and every stretch once, from the last to the first."""
    on_tape = tape(moves, 3, fields)
    over = [(Output(n, n + 1),) for n in range(-(-moves // on_tape.moves))]
    c, most = branches(len(over), on_tape.levels), 0
    seen: list[int] = []

    def walk(part: list[tuple[Act, ...]], levels: int, held: int) -> None:
        nonlocal most
        parts = parted(part, c, levels)
        while parts:
            held_now = held + len(parts)
            most = max(most, held_now)
            last = parts.pop()
            if len(last) == 1:
                seen.extend(act.first for act in last[0] if isinstance(act, Output))
            else:
                walk(last, levels - 1, held_now - 1)

    walk(over, on_tape.levels, 0)
    assert seen == list(reversed(range(len(over))))
    assert most + 3 * (on_tape.moves + 1) <= fields
