"""Twins in a list: what their events alone tell, without rebuilding any of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gemel.core.badge import Badge, badge
from gemel.core.errors import GemelError
from gemel.core.time import iso
from gemel.flow import registry
from gemel.flow.recompute import left
from gemel.flow.session import record
from gemel.flow.standing import standing
from gemel.store import Event, Store


@dataclass(frozen=True)
class TwinRow:
    """One line of the list: `next_at`: when the next scan is expected; `alarms`: scans that were not as forecast; `taint_words`: what rests
    on withdrawn data and was not computed again."""

    id: str
    system: str
    title: str
    badge: Badge
    version: int
    last_scan: str
    next_at: str
    alarms: int
    tainted: bool
    taint_words: str
    started: str


def listed(store: Store, twin_ids: Iterable[str]) -> tuple[TwinRow, ...]:
    """A row for each of these twins; what is in the record and is no twin has none."""
    rows = (row_of(store, twin_id) for twin_id in twin_ids)
    return tuple(row for row in rows if row is not None)


def row_of(store: Store, twin_id: str) -> TwinRow | None:
    """The row of one twin; None for an entry that was received and begins no twin."""
    history = tuple(store.events(twin_id))
    begun = next((e for e in history if e.kind == "Ingested" and "system" in e.payload), None)
    if begun is None:
        return None
    counts = standing(history, store.tainted())
    scans = [e.valid_s for e in counts if e.kind == "Observed"]
    words = taint_words(store, twin_id)
    system = str(begun.payload["system"])
    return TwinRow(
        id=twin_id,
        system=system,
        title=f"{system.replace('_', ' ')}, from {iso(begun.valid_s)[:10]}",
        badge=badge(record(counts)),
        version=history[-1].version,
        last_scan=iso(max(scans)) if scans else "",
        next_at=_next(system, max([begun.valid_s, *scans]), counts),
        alarms=len(alarmed(counts)),
        tainted=bool(words),
        taint_words=words,
        started=iso(begun.valid_s),
    )


def alarmed(counts: Sequence[Event]) -> tuple[Event, ...]:
    """The scans, among entries that count, that were not as forecast."""
    return tuple(e for e in counts if e.kind == "Assimilated" and e.payload["alarms"])


def taint_words(store: Store, twin_id: str) -> str:
    """What of a twin rests on withdrawn data and was not computed again; empty when nothing does."""
    said = ", ".join(f"{n} {kind}" for kind, n in left(store, twin_id).items())
    return f"rests on withdrawn data: {said}; compute it again" if said else ""


def _next(system: str, last_s: float, counts: Sequence[Event]) -> str:
    """When the next scan is expected; empty for a twin that was withdrawn, or whose system is not installed."""
    if not any(e.kind == "Ingested" for e in counts):
        return ""
    try:
        return iso(last_s + registry.system(system).interval_s)
    except GemelError:
        return ""
