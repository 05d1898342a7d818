"""Who may not call and does, in the audit log: a row an address and minute, so that nobody can fill the disk by asking.

A failed authorisation is to be found there (DICOM PS3.15 A.5.3.11, Security Alert of type Node Authentication).
"""

from dataclasses import dataclass, field
from threading import Lock

from gemel.service.security.audit import Entry

REFUSED = "dicom:associate"
QUIET_S = 60.0
HOSTS = 1000  # that are remembered; beyond, all others share a row


@dataclass
class Tried:
    """An address: when its last row was written, and how often it has tried since."""

    written_s: float
    since: int = 0


@dataclass
class Refusals:
    """Addresses that were refused lately."""

    tried: dict[str, Tried] = field(default_factory=dict)
    turn: Lock = field(default_factory=Lock)


def row(refusals: Refusals, calling: str, host: str, now_s: float) -> Entry | None:
    """The row of a refusal; None where there was one in this minute: then the next tells how many."""
    with refusals.turn:
        known = _known(refusals, host, now_s)
        tried = refusals.tried.get(known)
        if tried is not None and now_s - tried.written_s < QUIET_S:
            tried.since += 1
            return None
        refusals.tried[known] = Tried(now_s)
    whose = "its last row" if known else "the last row of addresses beyond those remembered"
    detail = f"{tried.since} more since {whose}" if tried is not None and tried.since else ""
    return Entry(f"{calling}@{host}", REFUSED, "refused", peer=host, detail=detail)


def _known(refusals: Refusals, host: str, now_s: float) -> str:
    """The address under which it is remembered; those that were quiet make room."""
    if host in refusals.tried or len(refusals.tried) < HOSTS:
        return host
    for quiet in [one for one, tried in refusals.tried.items() if now_s - tried.written_s >= QUIET_S]:
        del refusals.tried[quiet]
    return host if len(refusals.tried) < HOSTS else ""
