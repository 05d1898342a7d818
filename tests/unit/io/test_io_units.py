"""UCUM codes → canonical units."""

import pytest

from gemel.core.errors import UnitError
from gemel.io import convert
from gemel.io.units import known_units


@pytest.mark.parametrize(
    "value, code, to, expected",
    [
        (2.5, "cm", "mm", 25.0),
        (6.0, "min", "s", 360.0),
        (2600.0, "cGy", "Gy", 26.0),
        (200.0, "mCi", "Bq", 7.4e9),
        (0.35, "L", "mL", 350.0),
        (20800.0, "mm3", "mL", 20.8),
        (120.0, "mm[Hg]", "kPa", 15.99864),
        (10.0, "cm[H2O]", "mmHg", 7.3556),
        (98.6, "[degF]", "degC", 37.0),
        (310.15, "K", "degC", 37.0),
        (37.0, "Cel", "K", 310.15),
        (-1000.0, "[hnsf'U]", "HU", -1000.0),
    ],
)
def test_values_in_canonical_units(value: float, code: str, to: str, expected: float) -> None:
    assert convert(value, code, to) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("code", known_units())
def test_a_unit_to_itself_changes_nothing_and_there_and_back_is_the_value(code: str) -> None:
    assert convert(0.1, code, code) == 0.1


@pytest.mark.parametrize("code", ["furlong", "MM", "Mm", "", "gy", "mmHg "])
def test_an_unknown_unit_is_an_error_that_lists_the_known_ones(code: str) -> None:
    with pytest.raises(UnitError, match=r"an unknown unit .*UCUM codes .*cGy"):
        convert(1.0, code, "mm")


def test_another_quantity_is_refused() -> None:
    with pytest.raises(UnitError, match="cGy is a unit of absorbed dose, mm of length"):
        convert(1.0, "cGy", "mm")
