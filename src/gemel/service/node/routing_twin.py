"""Whose twin a series belongs to: by PatientID and its issuer, equal to the letter, never by name."""

from gemel.core.errors import StoreError
from gemel.store import Event, Store


def twins_of(store: Store, patient_id: str, issuer: str, system: str = "") -> tuple[str, ...]:
    """Twins of a patient, of one system or of all; nobody's for an empty PatientID. Those whose person was erased are nobody's."""
    if not patient_id:
        return ()
    return tuple(first.twin for first in store.firsts() if _of_system(first, system) and person_of(store, first) == (patient_id, issuer))


def standing_twins_of(store: Store, patient_id: str, issuer: str, system: str = "") -> tuple[str, ...]:
    """Those of them that may observe: their planning data were not withdrawn."""
    withdrawn = store.tainted()
    gone = {first.twin for first in store.firsts() if first.hash in withdrawn}
    return tuple(twin for twin in twins_of(store, patient_id, issuer, system) if twin not in gone)


def person_of(store: Store, first: Event) -> tuple[str, str] | None:
    """PatientID and issuer of a twin's person, None where nothing is known."""
    if not {"person", "identity"} & first.payload.keys():
        return None
    try:
        person = store.person(first)
    except StoreError:  # erased, or left out by an import: it can be matched by a person alone
        return None
    return (str(person.get("patient_id", "")), str(person.get("issuer", "")))


def observed_in(store: Store, series: str) -> str:
    """The twin that observed a series, "" when none did: an observation that was retracted still counts, a person withdrew it."""
    found = observation_of(store, series)
    return found.twin if found else ""


def observers(store: Store) -> dict[str, str]:
    """The twin by the series that it observed."""
    return {str(event.payload.get("source", "")).partition("#")[0]: event.twin for event in store.of_kind("Observed")}


def observation_of(store: Store, series: str) -> Event | None:
    """The observation of a series, whose UID its source is or begins with."""
    return next((event for event in store.of_kind("Observed") if str(event.payload.get("source", "")).partition("#")[0] == series), None)


def exists(store: Store, twin: str, system: str = "") -> bool:
    """Whether a twin of that id, and of that system where one is named, is in the record."""
    return any(first.twin == twin and _of_system(first, system) for first in store.firsts())


def _of_system(first: Event, system: str) -> bool:
    return "system" in first.payload and system in ("", first.payload["system"])
