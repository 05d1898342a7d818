"""Who a twin's person is, kept apart from the chain so that it can be erased (Regulation (EU) 2016/679, Article 17)."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from gemel.core.errors import StoreError
from gemel.store import queries
from gemel.store.check import Finding
from gemel.store.event import Event, canonical
from gemel.store.rows import Rows


def keep(rows: Rows, details: Mapping[str, Any]) -> str:
    """Keeps what is known of a person and returns the reference that events may hold: SHA-256 of a random salt and the details.

    Without the salt, which is erased with the details, the reference tells nothing: names and numbers cannot be tried against it.
    """
    text, salt = canonical(details, "person"), secrets.token_hex(32)
    reference = _reference(salt, text)
    queries.insert_person(rows, reference, salt, text)
    return reference


def details(rows: Rows, event: Event) -> dict[str, Any]:
    """What is known of the person an event names as `person` (or holds as `identity`, as records of schema 1 do).

    Raises StoreError when it was erased, altered, or when the event names nobody.
    """
    if "identity" in event.payload:
        return dict(event.payload["identity"])
    reference = str(event.payload.get("person", ""))
    where = f"{event.twin} version {event.version}"
    found = queries.persons(rows, reference)
    if not found:
        remedy = "the person's details were erased, or were not in the file it was imported from: match it by other means"
        raise StoreError("no details of the person", where=where, remedy=remedy)
    _, salt, text = found[0]
    if _reference(salt, text) != reference:
        raise StoreError("details of a person that were altered", where=where, remedy="restore a copy of the record")
    return dict(json.loads(text))


def references(events: Iterable[Event]) -> list[str]:
    """References to persons that the events hold."""
    return sorted({str(event.payload["person"]) for event in events if "person" in event.payload})


def keep_as_it_was(rows: Rows, reference: str, salt: str, text: str) -> None:
    """Keeps details that come from another record. Raises StoreError when they do not match their reference."""
    if _reference(salt, text) != reference:
        raise StoreError("details of a person that were altered", where=reference, remedy="ask for the file again")
    if not queries.persons(rows, reference):
        queries.insert_person(rows, reference, salt, text)


def findings(rows: Rows, events: Iterable[Event]) -> list[Finding]:
    """Details that do not match their reference, that no event names, or that are gone though neither erased nor left out by an import."""
    held = {reference: (salt, text) for reference, salt, text in queries.persons(rows)}
    found = [Finding(name, "details of a person that were altered") for name, row in held.items() if _reference(*row) != name]
    named: set[str] = set()
    erased: set[str] = set()
    for event in events:
        named |= {str(event.payload["person"])} if "person" in event.payload else set()
        erased |= set(event.payload["persons"]) if event.kind == "Erased" or "imported" in event.payload else set()
    found += [Finding(name, "details of a person of whom no event speaks") for name in sorted(held.keys() - named)]
    found += [Finding(name, "details of a person that are gone and were not erased") for name in sorted(named - held.keys() - erased)]
    return found + [Finding(name, "details of a person that were erased and are there again") for name in sorted(erased & held.keys())]


def _reference(salt: str, text: str) -> str:
    return hashlib.sha256(f"{salt}{text}".encode()).hexdigest()
