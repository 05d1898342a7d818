"""Objects as they arrive, by UID: kept once however often they come; other bytes under a known UID are quarantined, and both kept."""

import hashlib
from collections.abc import Iterable

from gemel.store import queries
from gemel.store.check import Finding
from gemel.store.event import Event, canonical
from gemel.store.rows import Rows

ARRIVALS = ("Ingested", "Quarantined")


def note(rows: Rows, uid: str, hash: str, event: Event) -> None:
    """Adds an arrival to the index; in the transaction of its event."""
    queries.insert_object(rows, uid, hash, event.hash)


def known(rows: Rows, uid: str) -> tuple[str, ...]:
    """Hashes of the bytes that came under a UID; more than one: in quarantine, nothing may be computed from any of them."""
    return tuple(hash for _, hash, _ in queries.objects(rows, uid))


def state_hash(rows: Rows) -> str:
    """SHA-256 of which bytes came under which UID: the same for any order and repetition of arrivals."""
    held: dict[str, list[str]] = {}
    for uid, hash, _ in queries.objects(rows):
        held.setdefault(uid, []).append(hash)
    return hashlib.sha256(canonical(held, "objects").encode()).hexdigest()


def findings(rows: Rows, events: Iterable[Event]) -> list[Finding]:
    """Differences between the index and the events that it repeats."""
    told = {(event.payload["uid"], name, event.hash) for event in events if is_arrival(event) for name in event.outputs}
    held = set(queries.objects(rows))
    found = [Finding(f"object {uid}", f"{hash} came, and is not in the index") for uid, hash, _ in sorted(told - held)]
    return found + [Finding(f"object {uid}", f"{hash} is in the index, and never came") for uid, hash, _ in sorted(held - told)]


def is_arrival(event: Event) -> bool:
    """True for an event that says which bytes came under a UID."""
    return event.kind in ARRIVALS and "uid" in event.payload
