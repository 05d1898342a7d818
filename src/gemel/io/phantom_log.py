"""The tube's log as text: rows `date,kV,mAs` of what was really given."""

import csv
import io
from codecs import BOM_UTF8
from datetime import date

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array

COLUMNS = ("date", "kV", "mAs")
NAME = "tube_log.csv"
"""A file of this name is taken for a log, whatever it holds; others by their header."""
KV, MOST_mAs = (40.0, 200.0), 5000.0
_REMEDY = "write rows under the header date,kV,mAs, such as 2026-03-02,120.1,299.4"


def is_tube_log(data: bytes) -> bool:
    """Whether the bytes begin with the log's header, a byte order mark before it or not."""
    return data[:200].removeprefix(BOM_UTF8).split(b"\n")[0].strip().replace(b" ", b"").startswith(b"date,kV,mAs")


def read_tube_log(data: bytes, where: str, acquired: str) -> Float[Array, "rows two"]:
    """kV and mAs of the rows of the check's day.

    Raises InputError for another header, rows that are no numbers, implausible, or after the check.
    """
    if not is_tube_log(data):
        raise InputError("a tube log without its header", where=where, remedy=_REMEDY)
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), skipinitialspace=True))[1:]
    except UnicodeDecodeError as error:
        raise InputError("a tube log that is not text", where=where, remedy=_REMEDY) from error
    day, found = date.fromisoformat(acquired[:10]), []
    for number, row in enumerate((r for r in rows if r), start=2):
        when, kV, mAs = _row(row, f"line {number} of {where}")
        require_plausible(kV, mAs, f"line {number} of {where}")
        if when > day:
            raise InputError(f"a date in the future, {when}", where=f"line {number} of {where}", remedy=f"the check is of {day}")
        if when == day:
            found.append((kV, mAs))
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def require_plausible(kV: float, mAs: float, where: str) -> None:
    """Raises InputError for a voltage or load that no CT has."""
    if not KV[0] <= kV <= KV[1]:
        raise InputError(f"{kV:g} kV", where=where, remedy=f"a CT's tube has {KV[0]:g} to {KV[1]:g} kV: state what was really set")
    if not 0 < mAs <= MOST_mAs:
        raise InputError(
            f"{mAs:g} mAs", where=where, remedy=f"a slice takes more than 0, up to {MOST_mAs:g} mAs: state what was really set"
        )


def _row(row: list[str], where: str) -> tuple[date, float, float]:
    try:
        return date.fromisoformat(row[0].strip()[:10]), float(row[1]), float(row[2])
    except (ValueError, IndexError) as error:
        raise InputError(f"a row {','.join(row)[:60]!r}", where=where, remedy=_REMEDY) from error
