"""What is to be done with each attribute: Table E.1-1 of DICOM PS3.15, and what may stay of attributes that it does not name."""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydicom.datadict import keyword_for_tag
from pydicom.tag import BaseTag


@dataclass(frozen=True)
class Terms:
    """Values that tell nothing of a person: terms by keyword, names of structures, keywords of names and of binary data that may stay."""

    terms: dict[str, frozenset[str]]
    structures: dict[str, str]
    named: frozenset[str]
    pattern: re.Pattern[str]
    binary: frozenset[str]


def action(tag: BaseTag) -> str:
    """The basic profile's code for an attribute (X remove, Z empty, D dummy, U new UID, and their choices), or nothing.

    "C" for the times that the option of modified dates keeps, shifted. Private attributes, curves and overlays are X.
    """
    if tag.is_private or tag.group & 0xFF00 in (0x5000, 0x6000):
        return "X"
    return _actions().get(f"{int(tag):08X}", "")


@cache
def terms() -> Terms:
    """What may stay, from the table of terms."""
    held = json.loads(files("gemel.io").joinpath("tables/ps3_3_terms.json").read_text(encoding="utf-8"))
    return Terms(
        {keyword: frozenset(values) for keyword, values in held["terms"].items()},
        {name.casefold(): name for name in held["structures"]},
        frozenset(held["names"]),
        re.compile(held["name patterns"], re.IGNORECASE),
        frozenset(held["binary"]),
    )


def keyword(tag: BaseTag) -> str:
    """The standard's keyword of an attribute; empty for one that it does not know."""
    return keyword_for_tag(tag)


@cache
def _actions() -> dict[str, str]:
    held = json.loads(files("gemel.io").joinpath("tables/ps3_15_e1_1.json").read_text(encoding="utf-8"))
    return {tag: "C" if modified == "C" else basic for tag, _, basic, modified in held["rows"]}
