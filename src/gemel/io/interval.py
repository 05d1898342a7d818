"""A number as it is handed on: its name, its unit as a UCUM code, its median and the central interval that holds 90 % of its draws."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gemel.core.errors import RangeError


@dataclass(frozen=True)
class Interval:
    """Median and 90 % interval of a quantity; `ucum` is its UCUM code. Raises RangeError unless low ≤ median ≤ high, all finite."""

    name: str
    ucum: str
    median: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.median <= self.high):
            found = f"a median {self.median} of an interval {self.low} to {self.high}"
            raise RangeError(found, where=self.name, remedy="hand on finite draws only")


def ucum(unit: str) -> str:
    """The UCUM code of a unit as it is written here; one that UCUM has none for becomes an annotation of 1 in its own words (UCUM §6)."""
    if unit in written():
        return written()[unit]
    over, _, under = unit.partition("/")
    if over in written() and under in written():
        return f"{written()[over].removeprefix('1')}/{written()[under]}"
    words = re.sub(r"[^!-z|~ ]|[{}]", "", unit).strip().replace(" ", "_")
    return f"{{{words}}}" if words else "1"


def unit_in(name: str) -> str:
    """The unit that a name ends in; empty where it ends in none.

    `prostate_mm[x]` → mm; `blood_MBq_L` → MBq/L; `outlined volume, mL` and `volume / mL` → mL; `ln_…`, a logarithm, has none: ln.
    """
    plain = name.partition("[")[0].strip()
    if plain.startswith("ln_"):
        return "ln"
    for mark in (", ", " / "):
        if mark in plain:
            after = plain.rpartition(mark)[2].partition(" ")[0]
            return after if after in written() else ""
    over, under = ("", *plain.split("_"))[-2:]
    if under not in written() or under == "1":
        return under if under == "1" and "_" in plain else ""
    return f"{over}/{under}" if over in written() else under


@cache
def written() -> Mapping[str, str]:
    """Units as gemel writes them, to their UCUM codes."""
    table: Mapping[str, str] = json.loads(files("gemel.io").joinpath("tables/ucum_written.json").read_text(encoding="utf-8"))["codes"]
    return table
