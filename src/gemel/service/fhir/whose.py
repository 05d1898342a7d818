"""Whose subject key a person of another record has here: by number and issuer, or by what a Patient said of its numbers."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from gemel.core.errors import ConflictError
from gemel.io.fhir.person import Person
from gemel.service.fhir import book
from gemel.service.security.database import Database
from gemel.service.security.subjects import subject_of_person


@dataclass(frozen=True)
class Known:
    """The key of pseudonyms, the book, the twins of a subject that the caller may see, and every subject that has a twin."""

    key: bytes
    book: Database
    twins: Callable[[str], Collection[str]]
    living: Collection[str]


def keys_of(key: bytes, person: Person) -> list[str]:
    """The subject keys that a person may have here: one this server gave, or made of a number and whoever issued it."""
    made = [subject_of_person(key, number, issuer) for number, issuers in person.numbers for issuer in ("", *issuers)]
    return list(dict.fromkeys((*([person.key] if person.key else []), *made)))


def whose(known: Known, person: Person, where: str) -> str:
    """The subject whom the caller may see; "" for nobody. Raises ConflictError where the numbers are those of several."""
    keys = keys_of(known.key, person)
    found = [key for key in dict.fromkeys((*keys, *book.aliased(known.book, keys))) if key in known.living and known.twins(key)]
    if len(found) > 1:
        raise ConflictError(
            f"numbers of {len(found)} patients who have twins here",
            where=where,
            remedy="send the medical record number of one (type MR), or have their records merged",
        )
    return found[0] if found else ""


def aliases(known: Known, person: Person, subject: str) -> list[tuple[str, str]]:
    """Further numbers of a Patient who has a twin, each with its issuer; not those of another twin's patient."""
    made = [subject_of_person(known.key, number, issuer) for number, issuers in person.numbers for issuer in issuers]
    return [(key, subject) for key in dict.fromkeys(made) if subject and key not in known.living]
