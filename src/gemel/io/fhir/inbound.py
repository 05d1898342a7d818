"""What a hospital's record system sends: laboratory values for models, and why anything else is not used. HL7 FHIR R4.

Nothing is guessed: a value of a known code in an unknown unit is an error; a resource that no model takes is named with the reason.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gemel.core.errors import InputError, UnitError
from gemel.core.time import seconds
from gemel.io.fhir.checked import Resource, checked
from gemel.io.fhir.parts import LOINC as LOINC_SYSTEM
from gemel.io.labs import LOINC, UNITS

MOST = 2000
CONTEXT = ("Patient", "ImagingStudy", "Condition", "Procedure", "MedicationAdministration")
WITHDRAWN = ("entered-in-error", "cancelled")
METHODS = ("POST", "PUT")


@dataclass(frozen=True)
class Person:
    """Whom a resource is about: a subject key of this server, or numbers, each with the systems or issuers that gave it."""

    key: str = ""
    numbers: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Values:
    """Values of one person at one time, name → (number, unit) as sent; `entries`: which resources they came from, from 0."""

    person: Person
    at: str
    values: Mapping[str, tuple[float, str]]
    entries: tuple[int, ...]


@dataclass(frozen=True)
class Inbound:
    """What models take, and by resource why it is not used."""

    values: tuple[Values, ...]
    unused: Mapping[int, str]


def resources_of(data: bytes, content_type: str) -> list[Resource]:
    """Resources of a Bundle, of one resource, or one a line (NDJSON), each checked. Raises InputError that names the entry."""
    lines = data.splitlines() if "ndjson" in content_type else [data]
    held = [_json(line, number) for number, line in enumerate(lines) if line.strip()]
    found = [entry for one in held for entry in (_entries(one) if one.get("resourceType") == "Bundle" else [one])]
    if not 0 < len(found) <= MOST:
        raise InputError(f"{len(found)} resources", where="body", remedy=f"send 1 to {MOST} at once")
    return [checked(one, f"entry {number}") for number, one in enumerate(found)]


def _json(line: bytes, number: int) -> Resource:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"not JSON ({str(error)[:80]})", where=f"line {number}", remedy="send a FHIR Bundle, or one resource a line"
        ) from error
    if not isinstance(found, dict):
        raise InputError(f"a JSON {type(found).__name__}", where=f"line {number}", remedy="send a FHIR Bundle, or one resource a line")
    return found


def _entries(bundle: Resource) -> Iterator[Resource]:
    """The resources of a bundle, `fullUrl` kept beside for references. Raises InputError for a method that is not taken."""
    for number, entry in enumerate(_list(bundle.get("entry"))):
        method = _mapping(entry.get("request")).get("method", "POST")
        if method not in METHODS or not isinstance(entry.get("resource"), dict):
            found = f"an entry {method} without a resource" if method in METHODS else f"an entry to {str(method)[:10]}"
            raise InputError(found, where=f"entry {number}", remedy="send resources to POST; nothing is deleted or searched in a bundle")
        yield entry["resource"]


def full_urls(data: bytes) -> Mapping[str, int]:
    """The number of a Bundle's entry by its fullUrl."""
    try:
        held = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    rows = _list(_mapping(held).get("entry"))
    return {str(entry["fullUrl"]): number for number, entry in enumerate(rows) if entry.get("fullUrl")}


def inbound(resources: Sequence[Resource], urls: Mapping[str, int]) -> Inbound:
    """Sorts resources. Raises UnitError for a known value in another unit, InputError for one without time, number or person."""
    grouped: dict[tuple[Person, str], dict[str, tuple[float, str]]] = {}
    sources: dict[tuple[Person, str], list[int]] = {}
    unused: dict[int, str] = {}
    for number, resource in enumerate(resources):
        name, why = _name(resource)
        if why:
            unused[number] = why
            continue
        where = f"entry {number}"
        key = (_person(resource, resources, urls, where), _time(resource, where))
        value = _value(resource, name, where)
        if grouped.setdefault(key, {}).setdefault(name, value) != value:
            raise InputError(f"{name} twice at {key[1]}, with other numbers", where=where, remedy="leave the one that counts")
        sources.setdefault(key, []).append(number)
    return Inbound(tuple(Values(*key, held, tuple(sources[key])) for key, held in grouped.items()), unused)


def _name(resource: Resource) -> tuple[str, str]:
    """The value that a resource gives, or why it is not used."""
    kind = str(resource["resourceType"])
    if resource.get("status") in WITHDRAWN:
        return "", f"{kind} that its sender withdrew ({resource['status']})"
    if kind in CONTEXT:
        return "", f"no model takes a {kind}"
    if kind != "Observation":
        return "", f"{kind} is served here, not taken"
    codes = [str(row.get("code")) for row in _list(_mapping(resource["code"]).get("coding")) if row.get("system") == LOINC_SYSTEM]
    names = sorted({LOINC[code] for code in codes if code in LOINC})
    if len(names) != 1:
        return "", f"no model takes LOINC {', '.join(codes)[:80] or 'no code'}; taken are {', '.join(LOINC)}"
    return (names[0], "") if "valueQuantity" in resource else ("", f"{names[0]} without a measured quantity")


def _value(resource: Resource, name: str, where: str) -> tuple[float, str]:
    quantity = _mapping(resource["valueQuantity"])
    unit = str(quantity.get("code") or quantity.get("unit") or "")
    if quantity.get("comparator"):
        found = f"{name} {quantity['comparator']} {quantity.get('value')}"
        raise InputError(found, where=where, remedy="send measured values; leave out what is beyond the limit of detection")
    if unit not in UNITS[name]:
        raise UnitError(f"{name} in {unit[:40] or 'no unit'}", where=where, remedy=f"send it in {', '.join(UNITS[name])} (UCUM)")
    number = quantity.get("value")
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 1e12:
        raise InputError(f"{name} = {str(number)[:40]}", where=where, remedy="send a number above 0")
    return float(number), unit


def _time(resource: Resource, where: str) -> str:
    found = str(resource.get("effectiveDateTime") or resource.get("effectiveInstant") or "")
    if "T" not in found:
        remedy = "send effectiveDateTime with date, time and zone"
        raise InputError(f"an Observation of {found or 'no time'}", where=where, remedy=remedy)
    seconds(found)
    return found


def _person(resource: Resource, resources: Sequence[Resource], urls: Mapping[str, int], where: str) -> Person:
    """The subject: by identifier, by a Patient sent along, or by a subject key of this server."""
    subject = _mapping(resource.get("subject"))
    named, number = str(subject.get("reference", "")), urls.get(str(subject.get("reference", "")))
    key = named.rpartition("/")[2]
    sent = (
        resources[number]
        if number is not None and number < len(resources)
        else next((one for one in resources if _is_patient(one, named)), None)
    )
    if sent is not None and sent["resourceType"] == "Patient":
        return person_of(sent)
    if "identifier" in subject:
        return Person(numbers=(_numbered(_mapping(subject["identifier"])),))
    if not key:
        remedy = "send subject with an identifier, or the Patient in the same bundle"
        raise InputError("an Observation of nobody", where=where, remedy=remedy)
    return Person(key=key)


def _is_patient(resource: Resource, reference: str) -> bool:
    return resource["resourceType"] == "Patient" and bool(resource.get("id")) and reference.endswith(f"Patient/{resource['id']}")


def person_of(patient: Mapping[str, Any]) -> Person:
    """The numbers of a Patient: medical record numbers where the types are told, else all."""
    held = _list(patient.get("identifier"))
    typed = [row for row in held if any(c.get("code") == "MR" for c in _list(_mapping(row.get("type")).get("coding")))]
    return Person(str(patient.get("id", "")), tuple(_numbered(row) for row in typed or held if row.get("value")))


def _numbered(row: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    issuers = (row.get("system"), _mapping(row.get("assigner")).get("display"))
    return str(row.get("value", "")), tuple(str(one) for one in issuers if one)


def _mapping(held: Any) -> Mapping[str, Any]:
    return held if isinstance(held, Mapping) else {}


def _list(held: Any) -> list[Mapping[str, Any]]:
    return [_mapping(item) for item in held] if isinstance(held, list) else []
