"""Every voxel of a mask is walked over once, and work is shared out evenly."""

import numpy as np
import pytest

from gemel.engines.pde.domain import domain
from gemel.engines.pde.spans import spans


@pytest.mark.parametrize("gap", [0, 3, 10_000])
@pytest.mark.parametrize("shape", [(6, 9, 12), (12, 1, 7), (1, 1, 9), (5, 1, 1)])
def test_spans_hold_the_mask_once_and_gaps_only_up_to_the_limit(gap: int, shape: tuple[int, int, int]) -> None:
    mask = np.random.default_rng(0).random(shape) < 0.6
    mask[0, 0, 0] = True
    on = domain(mask, 1.0)
    found, seen = spans(on, gap), np.zeros((on.inside.shape[0], on.inside[0].size), dtype=int)
    for x in range(len(seen)):
        rows = found.table[found.first[x] : found.first[x + 1]]
        for start, stop in rows:
            seen[x, start:stop] += 1
        assert (rows[1:, 0] - rows[:-1, 1] > gap).all()
    assert seen.max() == 1
    assert seen.reshape(on.inside.shape)[on.inside].all()
    assert gap or np.array_equal(seen.reshape(on.inside.shape) == 1, on.inside)
    assert found.weight[-1] == seen.sum()


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_slabs_cover_all_planes_evenly(count: int) -> None:
    found = spans(domain(np.ones((20, 5, 30)), 1.0))
    ends = found.slabs(count)
    assert ends[0] == 1
    assert ends[-1] == len(found.weight) - 2
    assert (np.diff(ends) > 0).all()
    assert np.diff(found.weight[ends]).max() <= found.weight[-1] / min(count, 20) + 5 * 32


def test_the_longest_axis_is_last_and_the_shortest_in_the_middle() -> None:
    assert domain(np.ones((3, 9, 5)), 1.0).order == (2, 0, 1)
    assert domain(np.ones((4, 4, 4)), 1.0).order == (0, 1, 2)
    assert domain(np.ones((40, 30, 1)), 1.0).order == (1, 2, 0)
