"""Who becomes whom: the same key gives the same pseudonym, shift of dates and UIDs, and nobody without the key can go back."""

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydicom.uid import UID

from gemel.core.errors import InputError
from gemel.io.uids import is_uid

SHORTEST_KEY = 16
LONGEST_SHIFT_DAYS = 3650
_DATE = re.compile(r"(\d{8})((?:\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?(?:[+-]\d{4})?)")


@dataclass(frozen=True)
class Pseudonyms:
    """The secret of a project or site, and, where an object's PatientID does not tell, whose objects they are.

    Values are HMAC-SHA256 (RFC 2104) under the key. Raises InputError for a key under 16 bytes.
    """

    key: bytes
    person: str = ""

    def __post_init__(self) -> None:
        if len(self.key) < SHORTEST_KEY:
            raise InputError(
                f"a key of {len(self.key)} bytes", where="Pseudonyms", remedy="make one with secrets.token_bytes(32) and keep it"
            )


def pseudonym(of: Pseudonyms, person: str) -> str:
    """The name and PatientID that a person gets."""
    return f"P{_mac(of, 'patient', person)[:12].upper()}"


def shift_days(of: Pseudonyms, person: str) -> int:
    """By how many days a person's dates go back: 1 to 3650, the same for all, so that intervals stay."""
    return 1 + int(_mac(of, "days", person), 16) % LONGEST_SHIFT_DAYS


def new_uid(of: Pseudonyms, uid: str) -> str:
    """The UID that stands for another: 2.25.<128 bits> (PS3.5 §B.2). UIDs that the standard registers stay; "" for what is no UID."""
    if UID(uid).name != uid:
        return uid
    return f"2.25.{int(_mac(of, 'uid', uid)[:32], 16)}" if is_uid(uid) else ""


def earlier(date: str, days: int) -> str:
    """A DA or DT value, days earlier, its time of day and offset as they were; "" for one that has no whole date."""
    found = _DATE.fullmatch(date.strip())
    if found is None:
        return ""
    try:
        moved = datetime.strptime(found[1], "%Y%m%d") - timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return f"{moved:%Y%m%d}{found[2]}" if moved.year >= 1000 else ""


def _mac(of: Pseudonyms, what: str, value: str) -> str:
    return hmac.new(of.key, f"{what}\x1f{value}".encode(), "sha256").hexdigest()
