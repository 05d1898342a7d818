"""`gemel twin show`: what is believed now, or was believed at a time."""

from dataclasses import dataclass

import numpy as np

from gemel.core.badge import Badge
from gemel.core.forecast import forecast, interval
from gemel.core.system import Delivered
from gemel.core.time import iso
from gemel.core.twin import generator
from gemel.flow.delivered import delivered
from gemel.flow.observe import DRAWS
from gemel.flow.session import Session, belief_digest, open_session
from gemel.flow.standing import ASIDE
from gemel.flow.words import in_words
from gemel.store import Event, Store


@dataclass(frozen=True)
class Expectation:
    """Median and 90 % interval of one component of what the next scan should show."""

    name: str
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Given:
    """A readout of what was given so far, as registered, with the 90 % interval of its draws, and for the course if the rest is alike."""

    name: str
    registered: float
    low: float
    high: float
    course: float


@dataclass(frozen=True)
class Seen:
    """The registration of one scan: how closely the field and its inverse agree, how much of it folds, and how alike the images are."""

    at: str
    inverse_error_mm: float
    folding: float
    similarity: float


@dataclass(frozen=True)
class Overview:
    """A twin in short: its state in the record, its badge, its forecast for the next interval, its history, its notes.

    `delivered`: readouts of what was given, `parts` of `planned`; `registrations`: one a scan.
    """

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
    parts: int
    planned: int
    delivered: tuple[Given, ...]
    registrations: tuple[Seen, ...]


def show(store: Store, twin_id: str, *, as_of_s: float | None = None, known_at_s: float | None = None) -> Overview:
    """The twin as it is, or as it was at `as_of_s`."""
    return shown(open_session(store, twin_id, as_of_s=as_of_s, known_at_s=known_at_s))


def shown(session: Session) -> Overview:
    """A twin that is open already."""
    next_s = session.twin.t_s + session.system.interval_s
    sum_given = delivered(session)
    return Overview(
        id=session.id,
        system=session.system.name,
        badge=session.badge,
        version=session.version,
        at=iso(session.twin.t_s),
        belief=belief_digest(session.twin.belief),
        next_at=iso(next_s),
        expected=_expected(session, next_s),
        history=_history(session),
        notes=(*session.system.notes(session.case), *(sum_given.notes if sum_given else ())),
        parts=sum_given.given if sum_given else 0,
        planned=sum_given.planned if sum_given else 0,
        delivered=given_rows(sum_given) if sum_given else (),
        registrations=tuple(_seen(entry) for entry in sorted(session.entries, key=lambda e: e.valid_s) if entry.kind == "Observed"),
    )


def _history(session: Session) -> tuple[tuple[str, str, str], ...]:
    """Every entry, and which of them no longer count."""
    counts = {entry.hash for entry in session.entries}
    lost = {
        entry.hash: " (no longer counts)"
        for entry in session.history
        if entry.hash not in counts and entry.kind not in ASIDE and "imported" not in entry.payload
    }
    return tuple((iso(entry.valid_s), entry.kind, in_words(entry) + lost.get(entry.hash, "")) for entry in session.history)


def given_rows(found: Delivered) -> tuple[Given, ...]:
    """The readouts of what was given; curves are left to the report."""
    rows = []
    for name, draws in found.values.items():
        if draws.ndim == 1:
            low, high = interval(draws)
            rows.append(Given(name, float(found.registered[name]), float(low), float(high), float(found.course[name])))
    return tuple(rows)


def _seen(entry: Event) -> Seen:
    figures = ("inverse_error_mm", "folding", "similarity")
    return Seen(iso(entry.valid_s), *(float(entry.payload["quality"].get(name, float("nan"))) for name in figures))


def _expected(session: Session, t_s: float) -> tuple[Expectation, ...]:
    ahead = forecast(session.twin, (), list(session.twin.model.observe), t_s, DRAWS, generator(session.twin, 1))
    rows, legible = [], session.system.legible
    for kind, draws in (legible(session.case, ahead.values) if legible else ahead.values).items():
        flat = draws.reshape(len(draws), -1)
        low, high = interval(flat)
        for i, median in enumerate(np.median(flat, axis=0)):
            label = f"{kind}[{'xyz'[i]}]" if flat.shape[1] == 3 else kind
            rows.append(Expectation(label, float(median), float(low[i]), float(high[i])))
    return tuple(rows)
