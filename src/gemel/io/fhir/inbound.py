"""What a hospital's record system sends, sorted: what twins may take, and why anything else is not used. HL7 FHIR R4.

Nothing is guessed: a known code in an unknown unit is an error; a resource that no twin takes is named with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gemel.core.errors import InputError
from gemel.core.time import seconds
from gemel.io.fhir.checked import Resource
from gemel.io.fhir.person import Person, a, mapping, person_in, person_of, require_unmerged, rows
from gemel.io.fhir.received import Received
from gemel.io.fhir.statements import Statement, stated
from gemel.io.fhir.vocabulary import Meaning, diagnosed, meaning, table

WITHDRAWN = ("entered-in-error", "cancelled", "not-done")
FINAL: Mapping[str, tuple[str, ...]] = {
    "Observation": ("final", "amended", "corrected"),
    "MedicationAdministration": ("completed",),
    "Procedure": ("completed",),
}
"""Statuses of what has happened."""
CODES = {"Observation": "code", "MedicationAdministration": "medicationCodeableConcept", "Procedure": "code"}
OID = "urn:oid:"


@dataclass(frozen=True)
class Study:
    """A study of a person, by its StudyInstanceUID."""

    person: Person
    uid: str


@dataclass(frozen=True)
class Diagnosis:
    """A diagnosis of a person, and the systems of twins that are for it."""

    person: Person
    systems: tuple[str, ...]


@dataclass(frozen=True)
class Inbound:
    """Statements for twins; by entry, from 0: people, studies, diagnoses; and why the rest is not used."""

    statements: tuple[Statement, ...]
    people: Mapping[int, Person]
    studies: Mapping[int, Study]
    diagnoses: Mapping[int, Diagnosis]
    unused: Mapping[int, str]


def inbound(sent: Received, now_s: float) -> Inbound:
    """Sorts resources, in whatever order they come. Raises UnitError for a known value in another unit, InputError for one without time,
    number or person, ConflictError for patients that were merged."""
    found = {entry: _sorted(sent, entry, resource, now_s) for entry, resource in enumerate(sent.resources)}
    statements = tuple(one for one in found.values() if isinstance(one, Statement))
    _require_one(statements)
    return Inbound(
        statements,
        {entry: one for entry, one in found.items() if isinstance(one, Person)},
        {entry: one for entry, one in found.items() if isinstance(one, Study)},
        {entry: one for entry, one in found.items() if isinstance(one, Diagnosis)},
        {entry: one for entry, one in found.items() if isinstance(one, str)},
    )


def _sorted(sent: Received, entry: int, resource: Resource, now_s: float) -> Statement | Person | Study | Diagnosis | str:
    """What one resource is; why it is not used, in words."""
    kind, where = str(resource["resourceType"]), f"entry {entry}"
    if kind == "Patient":
        require_unmerged(resource, where)
        return person_of(resource)
    if kind in FINAL:
        return _told(sent, entry, resource, now_s)
    if kind == "Condition":
        return Diagnosis(person_in(resource, sent.resources, sent.urls, where), diagnosed(resource.get("code")))
    if kind != "ImagingStudy":
        return f"{kind} is served here, not taken"
    uid = _study(resource)
    if resource.get("status") in WITHDRAWN or not uid:
        return "a study that its sender withdrew" if uid else "an ImagingStudy without its StudyInstanceUID (system urn:dicom:uid)"
    return Study(person_in(resource, sent.resources, sent.urls, where), uid)


def _told(sent: Received, entry: int, resource: Resource, now_s: float) -> Statement | str:
    """What a resource says, with its person and name; or why it is not used."""
    kind, status, where = str(resource["resourceType"]), str(resource.get("status")), f"entry {entry}"
    named, once = sent.named.get(entry, ("", False))
    name = f"{kind}|{named}" if named else _name(resource)
    if status in WITHDRAWN:
        if not name:
            return f"{kind} that its sender withdrew ({status}), without an identifier by which it can be found"
        return Statement(entry, person_in(resource, sent.resources, sent.urls, where), name, withdrawn=status)
    meant = meaning(kind, _concept(resource, kind))
    if meant is None or meant.sort in ("part", "unused"):
        return _why(resource, kind, meant)
    if status not in FINAL[kind]:
        return f"{kind} that is {status}; send it when it is {FINAL[kind][0]}"
    said = stated(resource, meant, where, now_s)
    if isinstance(said, str):
        return said
    return replace(said, entry=entry, name=name, once=once, person=person_in(resource, sent.resources, sent.urls, where))


def _why(resource: Resource, kind: str, meant: Meaning | None) -> str:
    """Why no twin takes a resource."""
    if meant is not None:
        return meant.words or f"no model takes {meant.what}"
    codings = rows(mapping(_concept(resource, kind)).get("coding"))
    said = ", ".join(f"{str(row.get('system')).rpartition('/')[2]} {row.get('code')}" for row in codings)[:80] or "no code"
    known = [what for sort in ("given", "body") for what, row in table()[sort].items() if row.get("kind", "Observation") == kind]
    known += ["platelets", "psa"] if kind == "Observation" else []
    return f"no model takes {a(kind)} of {said}; taken are {', '.join(sorted(known))}"


def _concept(resource: Resource, kind: str) -> Any:
    """The code; of a medication that is contained, that one's."""
    held = resource.get(CODES[kind])
    if held is None and kind == "MedicationAdministration":
        named = str(mapping(resource.get("medicationReference")).get("reference", ""))
        return next((one.get("code") for one in rows(resource.get("contained")) if named == f"#{one.get('id')}"), None)
    return held


def _name(resource: Resource) -> str:
    """By what its sender knows it: its first identifier, else its id; nothing where it has neither."""
    kind = resource["resourceType"]
    given = next((row for row in rows(resource.get("identifier")) if row.get("value")), None)
    if given:
        return f"{kind}|{given.get('system', '')}|{given['value']}"
    return f"{kind}/{resource['id']}" if resource.get("id") else ""


def _study(resource: Resource) -> str:
    held = [str(row.get("value", "")) for row in rows(resource.get("identifier")) if row.get("system") == "urn:dicom:uid"]
    return held[0].removeprefix(OID) if held else ""


def _require_one(statements: tuple[Statement, ...]) -> None:
    """Raises InputError for one name or one value of one time with two contents."""
    said: dict[object, Statement] = {}
    for one in statements:
        value = (one.person, one.sort, one.what, seconds(one.at)) if one.sort in ("seen", "body") else None
        for key in filter(None, ((one.person, one.name) if one.name else None, value)):
            first = said.setdefault(key, one)
            if (first.digest, first.withdrawn) != (one.digest, one.withdrawn):
                found = f"{one.what or one.name} twice at {one.at}, with other numbers"
                raise InputError(found, where=f"entry {one.entry}", remedy="leave the one that counts")
