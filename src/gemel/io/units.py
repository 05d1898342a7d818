"""Units at the boundary: UCUM codes of incoming data → the canonical units that every engine works in."""

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from gemel.core.errors import UnitError


def convert(value: float, code: str, to: str) -> float:
    """A value in UCUM unit `code` expressed in `to`, a canonical unit (mm, s, Gy, Bq, mL, mmHg, kPa, HU, degC) or a UCUM code.

    (factor·value + offset - offset_to) / factor_to. Codes are case-sensitive (UCUM §3).
    Raises UnitError for an unknown code or another quantity.
    """
    table = _table()
    quantity, factor, offset = _row(code)
    target, factor_to, offset_to = _row(table["canonical"].get(to, to))
    if quantity != target:
        raise UnitError(
            f"{code} is a unit of {quantity}, {to} of {target}", where="convert", remedy="check which element the value came from"
        )
    if code == table["canonical"].get(to, to):
        return value
    return (factor * value + offset - offset_to) / factor_to


def known_units() -> Sequence[str]:
    """All UCUM codes that can be converted."""
    return sorted(_table()["units"])


def _row(code: str) -> tuple[str, float, float]:
    units = _table()["units"]
    if code not in units:
        raise UnitError(f"an unknown unit {code!r}", where="convert", remedy=f"give one of the UCUM codes {', '.join(known_units())}")
    quantity, factor, offset = units[code]
    return quantity, factor, offset


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(files("gemel.io").joinpath("tables/ucum.json").read_text(encoding="utf-8"))
    return table
