"""Erasing a person for good: details and artefacts go, the chain stays, and an event says what went and why."""

from gemel.core.errors import InputError
from gemel.store import artefacts as kept
from gemel.store import derived, persons, queries
from gemel.store.event import Event, parse
from gemel.store.record import Store
from gemel.store.sweep import spoken


def erase(store: Store, twin: str, reason: str, *, actor: str = "", artefacts: bool = True) -> Event:
    """Forgets who a twin's person is and, unless told not to, every artefact of which only this twin's events speak.

    Events stay: they hold hashes, numbers and staff; those of schema 1 that hold an identity themselves are listed as `left`.
    Copies and backups of the record are not reached.
    A call that was cut off is finished by another. Raises InputError without a reason or for an unknown twin.
    """
    events = store.events(twin)
    if not events or not reason.strip():
        raise InputError(f"no reason, or no twin {twin!r}", where="erase", remedy="name a twin of this record and say why it is erased")
    gone = _own(store, twin) if artefacts else []
    with store.together():
        references = persons.references(events)
        left = [event.hash for event in events if "identity" in event.payload]
        payload = {"reason": reason, "persons": references, "artefacts": gone, "left": left}
        event = store.append(twin, "Erased", payload, actor=actor)
        for reference in references:
            queries.delete_person(store.rows, reference)
    for name in gone:
        kept.erase(store.artefacts, name)
    derived.forget(store.artefacts, twin)
    store.rows.forget()
    return event


def left_to_erase(store: Store, twin: str) -> bool:
    """Whether details of a person, or artefacts of a twin's own, are still there: an erasure that was cut off leaves some."""
    held = persons.references(store.events(twin))
    return any(queries.persons(store.rows, reference) for reference in held) or bool(_own(store, twin))


def _own(store: Store, twin: str) -> list[str]:
    """Artefacts that this twin's events name and no other's."""
    bodies = queries.bodies(store.rows)
    mine = [parse(body).twin == twin for body in bodies]
    named = spoken(body for body, own in zip(bodies, mine, strict=True) if own)
    shared = spoken(body for body, own in zip(bodies, mine, strict=True) if not own)
    shared |= {parse(body).environment for body in bodies}
    return sorted(name for name in named - shared if kept.find(store.artefacts, name))
