"""`gemel twin show`: what is believed now, or was believed at a time."""

from dataclasses import dataclass

import numpy as np

from gemel.core.badge import Badge
from gemel.core.forecast import forecast, interval
from gemel.core.time import iso
from gemel.core.twin import generator
from gemel.flow.session import Session, belief_digest, open_session
from gemel.store import Event, Store


@dataclass(frozen=True)
class Expectation:
    """Median and 90 % interval of one component of what the next scan should show."""

    name: str
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Overview:
    """A twin in short: its state in the record, its badge, its forecast for the next interval, its history, its notes."""

    id: str
    system: str
    badge: Badge
    version: int
    at: str
    belief: str
    next_at: str
    expected: tuple[Expectation, ...]
    history: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]


def show(store: Store, twin_id: str, *, as_of_s: float | None = None, known_at_s: float | None = None) -> Overview:
    """The twin as it is, or as it was at `as_of_s`."""
    session = open_session(store, twin_id, as_of_s=as_of_s, known_at_s=known_at_s)
    next_s = session.twin.t_s + session.system.interval_s
    return Overview(
        id=twin_id,
        system=session.system.name,
        badge=session.badge,
        version=session.version,
        at=iso(session.twin.t_s),
        belief=belief_digest(session.twin.belief),
        next_at=iso(next_s),
        expected=_expected(session, next_s),
        history=tuple((iso(entry.valid_s), entry.kind, in_words(entry)) for entry in session.entries),
        notes=tuple(session.system.notes(session.case)),
    )


def _expected(session: Session, t_s: float) -> tuple[Expectation, ...]:
    ahead = forecast(session.twin, (), list(session.twin.model.observe), t_s, 400, generator(session.twin, 1))
    rows = []
    for kind, draws in ahead.values.items():
        flat = draws.reshape(len(draws), -1)
        low, high = interval(flat)
        for i, median in enumerate(np.median(flat, axis=0)):
            label = f"{kind}[{'xyz'[i]}]" if flat.shape[1] == 3 else kind
            rows.append(Expectation(label, float(median), float(low[i]), float(high[i])))
    return tuple(rows)


def in_words(entry: Event) -> str:
    """One line about an entry of the record."""
    payload = entry.payload
    if entry.kind == "Ingested":
        return f"planning data, {len(entry.inputs)} files"
    if entry.kind == "Promoted":
        return f"library of {len(payload['plans'])} plans"
    if entry.kind == "Forecast":
        return f"forecast for {iso(payload['for_s'])}"
    if entry.kind == "Observed":
        return f"scan {payload['source'][:24]}"
    if entry.kind == "Assimilated":
        return "alarm: " + ", ".join(payload["alarms"]) if payload["alarms"] else "as expected"
    if entry.kind == "Decided":
        return f"recommended {payload['recommended']}"
    if entry.kind == "Acted":
        return f"gave {payload['plan']}"
    if entry.kind == "Outcome":
        return f"came back after {payload['plan']}"
    return ""
