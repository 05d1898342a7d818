"""HU to RSP: straight lines between knots, and no guess outside them."""

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.engines.dose import hu_to_rsp

TABLE = np.array([[-1024.0, 0.001], [0.0, 1.0], [1000.0, 1.5]])


def test_values_lie_on_straight_lines_and_are_float32() -> None:
    rsp = hu_to_rsp(np.array([-1024, 0, 500, 1000], dtype=np.int16), TABLE)
    assert rsp.dtype == np.float32
    assert rsp == pytest.approx([0.001, 1.0, 1.25, 1.5])


def test_hu_above_the_table_names_the_largest_value() -> None:
    with pytest.raises(RangeError, match="3071 HU above the table's 1000"):
        hu_to_rsp(np.array([0.0, 3071.0]), TABLE)


def test_hu_below_the_table_names_the_padding() -> None:
    with pytest.raises(RangeError, match=r"-2000 HU below the table's -1024.*padding"):
        hu_to_rsp(np.array([0.0, -2000.0]), TABLE)


def test_nan_and_empty_are_refused() -> None:
    with pytest.raises(RangeError, match="not finite"):
        hu_to_rsp(np.array([0.0, np.nan]), TABLE)
    with pytest.raises(RangeError, match="empty"):
        hu_to_rsp(np.zeros(0), TABLE)


def test_a_table_that_goes_back_or_below_zero_is_refused() -> None:
    for table in (TABLE[::-1], np.array([[0.0, -0.1], [1.0, 1.0]]), TABLE[:1]):
        with pytest.raises(RangeError, match="table"):
            hu_to_rsp(np.array([0.0]), table)
