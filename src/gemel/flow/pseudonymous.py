"""What an entry of the record may say when its person must not be known: a new name for each thing, dates shifted, free text gone.

What is not shown to be harmless goes: text stays only where it is a short name of gemel's own vocabulary.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gemel.core.time import DAY_S
from gemel.io.deidentify_pseudonyms import Pseudonyms, earlier, new_uid, pseudonym
from gemel.io.uids import is_uid

HASH = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[A-Za-z0-9_+\-.,:/()<>=%µ·\[\] ]{0,80}")
DATE = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)")
DIGESTS = frozenset({"belief", "digest", "tree"})
SOURCES = frozenset({"source", "scanner"})
NAMES = frozenset(
    (
        *("kind", "unit", "version", "plan", "plans", "recommended", "name", "start", "checked", "where"),
        *("readout", "cause", "structures", "alarms", "status", "label", "nuclide", "input", "kinds"),
    )
)
"""Keys whose text is a name of gemel's or of a system's vocabulary; dates in them are shifted. All other text is removed."""
LONG_AGO_s = 1e8
"""A number of seconds above this is a time since 1970 and no duration."""


@dataclass(frozen=True)
class Change:
    """Who becomes whom: pseudonyms, days that dates go back, strings that would tell who it is, and new hashes by old."""

    of: Pseudonyms
    days: int
    secrets: frozenset[str]
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def shift_s(self) -> float:
        """How far times go back."""
        return self.days * DAY_S


def payload(held: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """A payload of which only numbers, names, and links to what is in the file are left."""
    return {name(key, change): _value(key, value, change) for key, value in held.items()}


def _value(key: str, value: Any, change: Change) -> Any:
    if isinstance(value, Mapping):
        return payload(value, change)
    if isinstance(value, list | tuple):
        kept = [_value(key, item, change) for item in value]
        return [item for item in kept if item != ""]
    if isinstance(value, str):
        return value if key == "system" else _text(key, value, change)
    if isinstance(value, float | int) and not isinstance(value, bool):
        return moment(key, value, change)
    return value


def _text(key: str, value: str, change: Change) -> str:
    if HASH.fullmatch(value):
        return value if key in DIGESTS else change.renamed.get(value, "")
    if names_object(value) or (key in SOURCES and is_uid(value)):
        return new_uid(change.of, value)
    if key in SOURCES and value:
        return pseudonym(change.of, value)
    return name(value, change) if key in NAMES else ""


def names_object(text: str) -> bool:
    """Whether a text is a UID and no number of a version: of more than four parts, or made of a UUID (PS3.5 §B.2)."""
    return is_uid(text) and (text.count(".") > 3 or text.startswith("2.25."))


def moment(key: str, value: float, change: Change) -> float:
    """A time since 1970, earlier; any other number as it is."""
    return value - change.shift_s if key.endswith("_s") and abs(value) > LONG_AGO_s else value


def name(text: str, change: Change) -> str:
    """A short name, its dates earlier, or a pseudonym for one that may tell something."""
    moved = DATE.sub(lambda found: _moved(found, change.days), text)
    telling = any(secret.casefold() in moved.casefold() for secret in change.secrets)
    return moved if NAME.fullmatch(moved) and not telling else pseudonym(change.of, text)


def twin(identifier: str, change: Change) -> str:
    """A twin's name elsewhere: its system's, and a pseudonym, since its own is made of the images."""
    return f"{name(identifier.rpartition('-')[0] or 'twin', change)}-{pseudonym(change.of, identifier).lower()}"


def _moved(found: re.Match[str], days: int) -> str:
    date = earlier("".join(found.groups()), days)
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if date else ""
