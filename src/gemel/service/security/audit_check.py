"""Whether the audit log is as it was written: each row's seal, no row missing, and all up to a head that was kept elsewhere."""

import re

from gemel.core.errors import InputError
from gemel.service.security.audit import GENESIS, hashed
from gemel.service.security.database import Database

ANCHOR = re.compile(r"(\d{1,18}):([0-9a-f]{64})")
AT_ONCE = 10_000


def findings(database: Database, anchor: str = "") -> list[str]:
    """What is wrong; empty when the log is whole. Reads all of it. Raises InputError for an anchor that is none."""
    wanted = _anchor(anchor)
    number, previous, met = 0, GENESIS, wanted is None
    while rows := database.select("SELECT sequence, body, hash FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?", (number, AT_ONCE)):
        for sequence, body, sealed in rows:
            if sequence != number + 1:
                return [f"row {number + 1} is missing"]
            if hashed(previous, body) != sealed:
                return [f"row {sequence} was altered, or one before it"]
            number, previous = sequence, sealed
            met = met or (number, previous) == wanted
    return [] if met else [f"the anchor {anchor} is not in the log: rows were cut off or replaced"]


def _anchor(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    found = ANCHOR.fullmatch(text.strip())
    if not found:
        raise InputError(f"the anchor {text!r}", where="--anchor", remedy="give it as `gemel audit head` printed it, NUMBER:HASH")
    return int(found[1]), found[2]
