"""Work on processes: order, report, errors."""

import pytest

from gemel.core.errors import RangeError
from gemel.engines import parallel


def square(x: int) -> int:
    if x < 0:
        raise RangeError(f"{x}", where="square", remedy="pass 0 or more")
    return x * x


@pytest.mark.parametrize("most", [1, 2])
def test_results_come_in_order_whatever_the_number_of_workers(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "MOST", most)
    seen: list[tuple[int, int]] = []
    assert parallel.mapped(square, [3, 1, 2], lambda done, total: seen.append((done, total))) == [9, 1, 4]
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("most", [1, 2])
def test_an_error_arrives_with_its_text(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "MOST", most)
    with pytest.raises(RangeError, match="pass 0 or more"):
        parallel.mapped(square, [1, -1, 2], lambda done, total: None)
