"""DICOM matching (PS3.4 C.2.2.2) as conditions of SQL: single value, list of UID, wild cards, ranges of date and time, universal."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from gemel.core.errors import InputError
from gemel.service.archive.columns import INSTANCE, SERIES, STUDY

Level = Literal["study", "series", "instance"]
LEVELS: tuple[Level, ...] = ("study", "series", "instance")
TABLES = {"study": STUDY, "series": SERIES, "instance": INSTANCE}
RANGES = ("Date", "Time", "DateTime")
FOLDED = ("PatientName", "ReferringPhysicianName")  # without regard to case, as PS3.4 C.2.2.2.1 allows for names


@dataclass(frozen=True)
class Condition:
    """A piece of a WHERE clause, the table that it speaks of, and its values."""

    table: Level
    text: str
    values: tuple[str, ...]


def conditions(filters: Mapping[str, str]) -> list[Condition]:
    """One condition a filter that narrows anything. Raises InputError for an attribute that is not kept."""
    return [condition for keyword, value in filters.items() for condition in _condition(keyword, value.strip())]


def _condition(keyword: str, value: str) -> list[Condition]:
    if keyword == "ModalitiesInStudy":
        inner = [item.text.replace("series.", "other.") for item in _condition("Modality", value)]
        values = [item.values for item in _condition("Modality", value)]
        exists = "EXISTS (SELECT 1 FROM series AS other WHERE other.study = study.id AND {})"
        return [Condition("study", exists.format(text), held) for text, held in zip(inner, values, strict=True)]
    table = _table(keyword)
    if not value.strip("*"):
        return []
    text, values_ = _match(f'{table}."{keyword}"', keyword, value)
    return [Condition(table, text, values_)]


def _table(keyword: str) -> Level:
    for level in LEVELS:
        if keyword in TABLES[level]:
            return level
    every = [name for names in TABLES.values() for name in names]
    near = get_close_matches(keyword, every, 1)
    remedy = f"did you mean {near[0]}?" if near else f"match by one of {', '.join(every)}"
    raise InputError(f"no attribute {keyword!r} to match by", where="the query", remedy=remedy)


def _match(column: str, keyword: str, value: str) -> tuple[str, tuple[str, ...]]:
    if keyword.endswith(RANGES) and "-" in value:
        return _range(column, value)
    if keyword.endswith("UID") or "\\" in value:
        listed = [item.strip() for item in value.replace(",", "\\").split("\\") if item.strip()]
        return f"{column} IN ({', '.join('?' * len(listed))})", tuple(listed)
    if "*" in value or "?" in value:
        return _wild(column, keyword, value)
    return f"{column} = ?", (value,)


def _range(column: str, value: str) -> tuple[str, tuple[str, ...]]:
    """`a-b`, `a-`, `-b`; a bound of less precision takes in all that begins so. An object without the attribute is in no range."""
    low, _, high = value.partition("-")
    if not all(bound.strip().replace(".", "").isdigit() or not bound.strip() for bound in (low, high)):
        raise InputError(f"no range {value!r}", where="the query", remedy="write it as 20260101-20261231, 20260101- or -20261231")
    asked = [(f"{column} >= ?", low.strip())] if low.strip() else [(f"{column} > ?", "")]
    asked += [(f"{column} <= ?", f"{high.strip()}~")] if high.strip() else []
    return " AND ".join(text for text, _ in asked), tuple(bound for _, bound in asked)


def _wild(column: str, keyword: str, value: str) -> tuple[str, tuple[str, ...]]:
    if keyword in FOLDED:
        pattern = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{column} LIKE ? ESCAPE '\\'", (pattern.replace("*", "%").replace("?", "_"),)
    return f"{column} GLOB ?", (value.replace("[", "[[]"),)
