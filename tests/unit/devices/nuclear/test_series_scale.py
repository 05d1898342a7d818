"""Scales that images share: what chance makes is let through, what scaling by its own makes is not."""

import pytest

from gemel.core.errors import RangeError
from gemel.devices.nuclear import require_unlike


def scales(*of: tuple[float, float]) -> list[dict[str, float]]:
    return [{"largest": largest, "sum": total} for largest, total in of]


@pytest.mark.parametrize("of", [[(1.0, 71.5), (1.0, 54.25)], [(65535.0, 9e6), (65535.0, 8e6)], [(3.0, 8e6), (5.0, 8e6)]])
def test_two_that_share_their_scale_are_refused(of: list[tuple[float, float]]) -> None:
    with pytest.raises(RangeError, match="scaled by its own"):
        require_unlike(scales(*of), alike=3, coarse=1000.0)


def test_whole_numbers_below_a_thousand_may_be_shared_by_chance() -> None:
    counts = scales((412.0, 90210.0), (412.0, 71000.0))
    require_unlike(counts, alike=3, coarse=1000.0)
    with pytest.raises(RangeError, match="largest value"):
        require_unlike(counts)


def test_two_scans_of_two_cycles_may_be_alike_and_three_may_not() -> None:
    cycles = scales((7.1234, 500.01), (9.5, 500.11), (8.25, 500.31))
    require_unlike(cycles[:2], alike=3)
    for seen, alike in ((cycles, 3), (cycles[:2], 2)):
        with pytest.raises(RangeError, match="sum"):
            require_unlike(seen, alike=alike)
