"""What may stay of one value: only what can be shown to tell nothing of a person. Free text never can."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sr import _concepts_dict

from gemel.io.deidentify_pseudonyms import Pseudonyms, earlier, new_uid
from gemel.io.deidentify_table import terms
from gemel.io.units import known_units

REMOVED = "REMOVED"
CHARACTERISTICS = frozenset({"PatientSex", "PatientAge", "PatientSize", "PatientWeight"})
OLDEST = 85
NUMBERS = frozenset({"US", "SS", "UL", "SL", "SV", "UV", "FL", "FD", "AT"})
BINARY = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "OB or OW", "UN"})
_NUMBER = re.compile(r" *[+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d+)? *")
_AGE = re.compile(r"\d{3}Y")
_SIZE = re.compile(r"\d{1,3}(\.\d{1,4})?")
_DECIMAL = frozenset(b"0123456789+-.eE\\ ")
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
_DUMMIES: dict[str, Any] = {"DS": "0", "IS": "0", "AS": "000Y", "DA": "19000101", "DT": "19000101", "TM": "00", "UR": "urn:removed"}


def plain_numbers(raw: bytes, secrets: frozenset[str]) -> bool:
    """True for a decimal string, however long, of nothing but numbers that are not the person's own; judged without parsing."""
    return set(raw) <= _DECIMAL and not any(secret.encode() in raw for secret in secrets)


def strings(element: DataElement) -> list[str]:
    """The values of an element as text."""
    value = element.value
    if value is None or value == "":
        return []
    return [str(one) for one in value] if element.VM > 1 and not isinstance(value, str | bytes) else str(value).split("\\")


def dummy(vr: str) -> Any:
    """A value that stands for one that was there; None where a VR has none to offer."""
    if vr in NUMBERS or vr in BINARY:
        return b"\0\0" if vr in ("OB", "UN") else None
    return _DUMMIES.get(vr, REMOVED)


def shifted(element: DataElement, days: int) -> list[str]:
    """Dates, days earlier; times of day as they were; nothing for values that are neither."""
    values = [value.strip() for value in strings(element)]
    moved = [value if _TIME.fullmatch(value) else "" for value in values] if element.VR == "TM" else [earlier(v, days) for v in values]
    return moved if all(moved) else []


def uids(element: DataElement, of: Pseudonyms) -> list[str]:
    """UIDs by others; nothing where one is none."""
    found = [new_uid(of, value.strip()) for value in strings(element)]
    return found if all(found) else []


def proven(keyword: str, element: DataElement, secrets: frozenset[str]) -> Any:
    """The value of an attribute that the profile does not name, or None: numbers, terms of the standard and pixel data stay.

    A number that is one of the person's own (six digits or more) goes.
    """
    if element.VR in BINARY:
        return element.value if keyword in terms().binary else None
    if element.VR == "US or SS":
        return element.value if isinstance(element.value, bytes) and len(element.value) == 2 else None
    if element.VR in NUMBERS:
        return None if _tells(_flat(element.value), secrets) else element.value
    if element.VR in ("DS", "IS"):
        values = strings(element)
        return None if _tells(values, secrets) or not all(map(_NUMBER.fullmatch, values)) else values
    allowed = terms().terms.get(keyword)
    if allowed is None:
        return None
    values = [value.strip() for value in strings(element)]
    return [value if value in allowed else "OTHER" for value in values] if keyword == "ImageType" else _all(values, allowed)


def characteristic(keyword: str, element: DataElement, secrets: frozenset[str]) -> str | None:
    """Sex, size (m), weight (kg), or the age as the first year of its class of five, 85 for all above; None for what is none of these."""
    value = " ".join(strings(element)).strip()
    if keyword == "PatientSex":
        return value if value in ("M", "F", "O") else None
    if keyword == "PatientAge":
        return f"{min(int(value[:3]) // 5 * 5, OLDEST):03d}Y" if _AGE.fullmatch(value) else None
    return value if _SIZE.fullmatch(value) and not _tells([value], secrets) else None


def structure_name(element: DataElement, number: object) -> str:
    """A structure's name in the spelling of the table, or one made of its number: contours are named by people."""
    name = " ".join(strings(element)).strip()
    known = terms().structures.get(name.casefold(), "")
    numbered = f"ROI {number}" if str(number).isdigit() and len(str(number)) <= 5 else "ROI"  # a longer one may be the person's
    return known or (name if terms().pattern.fullmatch(name) else numbered)


def code(item: Dataset) -> Dataset:
    """A coded concept, in the words of the standard's own dictionary; one that it does not hold is REMOVED (99GEMEL)."""
    value, scheme = (str(item.get(name, "")).strip() for name in ("CodeValue", "CodingSchemeDesignator"))
    meaning = _concepts().get((scheme, value), "")
    clean = Dataset()
    clean.CodeValue, clean.CodingSchemeDesignator = (value, scheme) if meaning else (REMOVED, "99GEMEL")
    clean.CodeMeaning = meaning or "Removed"
    return clean


@cache
def _concepts() -> dict[tuple[str, str], str]:
    """Meaning by scheme and value: the codes of PS3.16's context groups, and the units that gemel converts."""
    known: Any = _concepts_dict.concepts
    found = {
        (scheme, value): str(entry[0])[:64]
        for scheme, concepts in known.items()
        for values in concepts.values()
        for value, entry in values.items()
    }
    return found | {("UCUM", unit): unit for unit in known_units() if ("UCUM", unit) not in found}


def _all(values: Sequence[str], allowed: frozenset[str]) -> list[str] | None:
    return list(values) if set(values) <= allowed else None


def _flat(value: Any) -> list[str]:
    many = value if isinstance(value, list | tuple) or hasattr(value, "__iter__") else [value]
    return [str(int(one)) if isinstance(one, float) and one.is_integer() else str(one) for one in many]


def _tells(values: Sequence[str], secrets: frozenset[str]) -> bool:
    return any(value.strip().removesuffix(".0") in secrets for value in values) if secrets else False
