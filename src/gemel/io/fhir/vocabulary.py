"""Which codes mean what, and which system takes it: one table, `io/tables/fhir_events.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from gemel.io.fhir.person import mapping, rows
from gemel.io.labs import LOINC, UNITS


@dataclass(frozen=True)
class Use:
    """What a system makes of it: an action of that kind; `one` of its units is so much."""

    action: str
    one: float
    unit: str


@dataclass(frozen=True)
class Meaning:
    """What a code means. `sort`: given, part (of something else), seen, body, unused or diagnosed; `words`: why it is not used.

    `units`: factor to the first of them, by UCUM code; 0 for an amount that needs the body's surface. `low` to `high`: what can be.
    """

    sort: str
    what: str
    units: Mapping[str, float] = field(default_factory=dict)
    to: Mapping[str, Use] = field(default_factory=dict)
    words: str = ""
    low: float = 0.0
    high: float = 1e12


def meaning(kind: str, concept: Any) -> Meaning | None:
    """What a CodeableConcept of a kind of resource means; None for no code that is known. The first known one counts."""
    for coding in rows(mapping(concept).get("coding")):
        found = _known().get((str(coding.get("system")), str(coding.get("code"))))
        if found is not None and found[0] in ("", kind):
            return found[1]
    return None


def diagnosed(concept: Any) -> tuple[str, ...]:
    """The systems that a diagnosis speaks of; codes of ICD-10 by their category."""
    found = []
    for coding in rows(mapping(concept).get("coding")):
        system, code = str(coding.get("system")), str(coding.get("code"))
        short = code.partition(".")[0] if system in table()["systems"]["icd10"] else code
        found += [name for name, row in table()["diagnosed"].items() if (system, short) in _pairs(row)]
    return tuple(dict.fromkeys(found))


def taken_by(what: str) -> Mapping[str, Use]:
    """The systems that take something given, and how."""
    return {name: Use(**use) for name, use in table()["given"].get(what, {}).get("to", {}).items()}


@cache
def table() -> Mapping[str, Any]:
    """The table as it is written."""
    found: Mapping[str, Any] = json.loads(files("gemel.io").joinpath("tables/fhir_events.json").read_text(encoding="utf-8"))
    return found


@cache
def _known() -> Mapping[tuple[str, str], tuple[str, Meaning]]:
    """Kind of resource ("": any) and meaning by system and code."""
    found: dict[tuple[str, str], tuple[str, Meaning]] = {}
    for sort in ("given", "part", "body", "unused"):
        for what, row in table()[sort].items():
            low, high = row.get("range", (0.0, 1e12))
            held = Meaning(sort, what, row.get("units", {}), taken_by(what), row.get("words", ""), low, high)
            kind = row.get("kind", "Observation")
            found |= dict.fromkeys(_pairs(row), (kind, held))
    for code, name in LOINC.items():
        found["http://loinc.org", code] = ("Observation", Meaning("seen", name, UNITS[name]))
    return found


def _pairs(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """System and code of every code of a row."""
    return [(system, code) for name, codes in row["codes"].items() for system in table()["systems"][name] for code in codes]
