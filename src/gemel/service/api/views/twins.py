"""The list, the overview, the record of a twin."""

from dataclasses import asdict

from gemel.core.errors import InputError
from gemel.core.time import iso
from gemel.flow.diff import diff as changed
from gemel.flow.listing import alarmed, listed, taint_words
from gemel.flow.show import shown
from gemel.flow.standing import standing
from gemel.flow.words import in_words
from gemel.service.api.answers.twins import Alarm, EventRow, Events, Expectation, Given, TwinOverview
from gemel.service.api.views.asked import Told, encoded, session_of
from gemel.service.jobs import Bench


def rows(at: Bench, told: Told) -> dict[str, dict[str, object]]:
    """Rows of the list by twin; none for what is no twin."""
    return {row.id: asdict(row) for row in listed(at.store, told["twins"])}


def overview(at: Bench, told: Told) -> bytes:
    """A twin in short, now or as it was."""
    session = session_of(at, told)
    held = shown(session)
    words, system = taint_words(at.store, session.id), str(session.entries[0].payload["system"])
    return encoded(
        TwinOverview(
            id=held.id,
            system=system,
            title=f"{system.replace('_', ' ')}, from {iso(session.entries[0].valid_s)[:10]}",
            badge=held.badge,
            version=held.version,
            versions=at.store.version(session.id),
            at=held.at,
            belief=held.belief,
            next_at=held.next_at,
            expected=[Expectation(row.name, row.median, row.low, row.high) for row in held.expected],
            notes=list(held.notes),
            parts=held.parts,
            planned=held.planned,
            delivered=[Given(row.name, row.registered, row.low, row.high, row.course) for row in held.delivered],
            alarms=[Alarm(iso(e.valid_s), ", ".join(e.payload["alarms"])) for e in alarmed(session.entries)],
            tainted=bool(words),
            taint_words=words,
        )
    )


def events(at: Bench, told: Told) -> bytes:
    """Every entry of the record, and whether it counts."""
    history = tuple(at.store.events(str(told["twin"])))
    counts = {entry.hash for entry in standing(history, at.store.tainted())}
    said = ("Retracted", "Erased", "Quarantined")
    return encoded(
        Events(
            [
                EventRow(
                    e.version, e.kind, iso(e.valid_s), iso(e.known_s), e.actor, in_words(e), e.hash in counts or e.kind in said, e.hash
                )
                for e in history
            ]
        )
    )


def diff(at: Bench, told: Told) -> bytes:
    """What changed between two versions, and because of what."""
    return encoded(asdict(changed(at.store, str(told["twin"]), int(told["since"]), int(told["until"]))))


def words(at: Bench, told: Told) -> str:
    """One entry in a line."""
    found = next((e for e in at.store.events(str(told["twin"])) if e.version == told["version"]), None)
    if found is None:
        raise InputError(f"version {told['version']}", where=str(told["twin"]), remedy="look at its events")
    return in_words(found)
