"""Whom a resource is about: by the numbers of a Patient, or by a key of this server; never by a name. HL7 FHIR R4, Patient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gemel.core.errors import ConflictError, InputError
from gemel.io.fhir.checked import Resource

MERGED = {"replaced-by": "a Patient that another record replaces", "replaces": "a Patient that replaces another record"}


@dataclass(frozen=True)
class Person:
    """Whom a resource is about: a subject key of this server, or numbers, each with the systems or issuers that gave it."""

    key: str = ""
    numbers: tuple[tuple[str, tuple[str, ...]], ...] = ()


def person_in(resource: Resource, resources: Sequence[Resource], urls: Mapping[str, int], where: str) -> Person:
    """The subject: by identifier, by a Patient sent along, or by a subject key of this server. Raises InputError for nobody."""
    subject = mapping(resource.get("subject"))
    named, number = str(subject.get("reference", "")), urls.get(str(subject.get("reference", "")))
    sent = (
        resources[number]
        if number is not None and number < len(resources)
        else next((one for one in resources if _is_patient(one, named)), None)
    )
    if sent is not None and sent["resourceType"] == "Patient":
        return person_of(sent)
    if "identifier" in subject:
        return Person(numbers=(_numbered(mapping(subject["identifier"])),))
    key = named.rpartition("/")[2]
    if not key:
        remedy = "send subject with an identifier, or the Patient in the same bundle"
        raise InputError(f"{a(str(resource['resourceType']))} of nobody", where=where, remedy=remedy)
    return Person(key=key)


def person_of(patient: Mapping[str, Any]) -> Person:
    """The numbers of a Patient: medical record numbers where the types are told, else all."""
    held = rows(patient.get("identifier"))
    typed = [row for row in held if any(c.get("code") == "MR" for c in rows(mapping(row.get("type")).get("coding")))]
    return Person(str(patient.get("id", "")), tuple(_numbered(row) for row in typed or held if row.get("value")))


def require_unmerged(patient: Mapping[str, Any], where: str) -> None:
    """Raises ConflictError for a Patient that was merged: whose twins are whose is for people to say."""
    for link in rows(patient.get("link")):
        if link.get("type") in MERGED:
            remedy = "nothing is moved from one patient to another here: make twins of the number that stays, and withdraw the others'"
            raise ConflictError(MERGED[str(link["type"])], where=where, remedy=remedy)


def _is_patient(resource: Resource, reference: str) -> bool:
    return resource["resourceType"] == "Patient" and bool(resource.get("id")) and reference.endswith(f"Patient/{resource['id']}")


def _numbered(row: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    issuers = (row.get("system"), mapping(row.get("assigner")).get("display"))
    return str(row.get("value", "")), tuple(str(one) for one in issuers if one)


def a(kind: str) -> str:
    """The kind with its article."""
    return f"an {kind}" if kind[:1] in "AEIO" else f"a {kind}"


def mapping(held: Any) -> Mapping[str, Any]:
    """A JSON object; empty for anything else."""
    return held if isinstance(held, Mapping) else {}


def rows(held: Any) -> list[Mapping[str, Any]]:
    """The objects of a JSON list."""
    return [mapping(item) for item in held] if isinstance(held, list) else []
