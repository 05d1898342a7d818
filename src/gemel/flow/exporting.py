"""`gemel twin export`: a twin as one file, with or without the person it is of."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gemel import io
from gemel import store as stores
from gemel.core.digest import digest
from gemel.core.errors import InputError, StoreError
from gemel.core.system import Progress, silent
from gemel.flow import pseudonymous
from gemel.flow.pseudonymous import Change
from gemel.flow.pseudonymous_arrays import arrays
from gemel.io.deidentify import METHOD, deidentify
from gemel.io.deidentify_pseudonyms import Pseudonyms, pseudonym, shift_days
from gemel.io.dicom_file import is_dicom
from gemel.store import Event, Store
from gemel.store.event import SEALED

SHORTEST_SECRET = 4
"""Shorter parts of a name are also parts of other words."""


@dataclass(frozen=True)
class Exported:
    """What was written: the file, its seal (to be told to the receiver by another way), the twin's name in it, and originals left out."""

    path: Path
    seal: str
    twin: str
    originals: int
    left_out: int


@dataclass(frozen=True)
class Deidentified:
    """How the person is to be hidden: the secret of the pseudonyms; whether sex, size, weight and age class stay in the images."""

    key: bytes
    characteristics: bool = False


def export(
    store: Store, twin_id: str, path: Path, *, hidden: Deidentified | None = None, with_persons: bool = False, progress: Progress = silent
) -> Exported:
    """Writes a twin's events and artefacts as one RO-Crate, whole or not at all.

    `hidden` takes the person out: images by DICOM PS3.15 Annex E; pseudonyms for UIDs, names, actors; every time earlier by one number of
    days, so that intervals stay; sentences gone. The events are chained anew and the last one says so. Raises InputError for an unknown
    or erased twin, a file that is there already, pixels that may show a name; StoreError when the disk refuses.
    """
    events = store.events(twin_id)
    _require_new(store, twin_id, events, path)
    if hidden is None:
        kept = {name for event in events for name in event.inputs} - {event.hash for event in events}
        return Exported(path, stores.export(store, twin_id, path, with_persons=with_persons), twin_id, len(kept), 0)
    change = change_of(store, events, hidden.key)
    then_s = events[-1].known_s - change.shift_s  # the day of the export would tell when the last scan was
    with TemporaryDirectory(prefix="gemel-") as folder, stores.open(Path(folder) / "twin.db", clock=lambda: then_s) as other:
        counted = _hidden(store, events, other, (hidden, change), progress)
        (twin,) = other.twins()
        return Exported(path, stores.export(other, twin, path, with_persons=True), twin, *counted)


def _require_new(store: Store, twin_id: str, events: list[Event], path: Path) -> None:
    if path.exists():
        raise InputError("a file that is there already", where=str(path), remedy="name a new one; nothing is overwritten")
    if not path.absolute().parent.is_dir():
        raise StoreError("a folder that does not exist", where=str(path.parent), remedy="create the folder first, or correct the path")
    if not events:
        raise InputError(f"no twin {twin_id!r}", where="export", remedy=f"the record holds {', '.join(store.twins()) or 'none'}")


def _hidden(store: Store, events: list[Event], other: Store, how: tuple[Deidentified, Change], progress: Progress) -> tuple[int, int]:
    """The twin in another record, without its person; how many originals went along, and how many could not."""
    change, counted = how[1], _artefacts(store, events, other, how, progress)
    with other.together():
        person = other.keep_person(asdict(io.Identity(pseudonym(change.of, change.of.person), patient_name="")))
        for event in events:
            said = pseudonymous.payload(event.payload, change) | ({"person": person} if "person" in event.payload else {})
            _append((store, other), event, said, change)
        told = {"seal": "", "compared": False, "head": "", "deidentified": METHOD, "left_out": counted[1]}
        name, now = pseudonymous.twin(events[0].twin, change), events[-1]
        note = {"imported": told, "persons": []}
        other.append(name, "Ingested", note, valid_s=now.valid_s - change.shift_s, known_s=now.known_s - change.shift_s)
    return counted


def change_of(store: Store, events: list[Event], key: bytes) -> Change:
    """Who becomes whom in a twin. Raises StoreError when it was erased whose it is."""
    who = store.person(events[0])
    person = f"{who.get('patient_id', '')}\x1f{who.get('issuer', '')}"
    of = Pseudonyms(key, person if person.strip("\x1f") else events[0].twin)
    told = [*(str(who.get(name, "")) for name in ("patient_id", "patient_name")), *(event.actor for event in events)]
    secrets = {part for text in told for part in (text, *re.split(r"[\^\s=,._-]+", text)) if len(part) >= SHORTEST_SECRET}
    return Change(of, shift_days(of, of.person), frozenset(secrets))


def _artefacts(store: Store, events: list[Event], other: Store, how: tuple[Deidentified, Change], progress: Progress) -> tuple[int, int]:
    """Every artefact that the events made, and every original that is DICOM, under their new hashes."""
    hidden, change = how
    made = list(dict.fromkeys(name for event in events for name in event.kept if "imported" not in event.payload))
    taken = dict.fromkeys(name for event in events for name in event.inputs)
    originals = [name for name in taken if name not in {event.hash for event in events} and name not in made]
    left_out = 0
    for done, name in enumerate((*made, *originals)):
        progress("artefacts", done, len(made) + len(originals))
        content = store.artefacts.get(name)
        if name in made:
            change.renamed[name] = other.artefacts.put_arrays(arrays(store.artefacts.get_arrays(name), change))
        elif is_dicom(content):
            clean = deidentify(content, change.of, where=f"original {name}", characteristics=hidden.characteristics)
            change.renamed[name] = other.artefacts.put(clean)
        else:
            left_out += 1
    return len(originals) - left_out, left_out


def _append(records: tuple[Store, Store], event: Event, said: dict[str, Any], change: Change) -> None:
    """The event in the chain of the other record, at the same version, about the same interval."""
    store, other = records
    if "library" in said and "digest" in said:
        said["digest"] = digest(dict(other.artefacts.get_arrays(said["library"])))
    stated: dict[str, Any] = {name: getattr(event, name) for name in SEALED if name not in ("version", "previous")}
    stated |= _links(event, change) | {"payload": said, "environment": other.artefacts.put(store.artefacts.get(event.environment))}
    stated["twin"] = pseudonymous.twin(event.twin, change)
    stated["actor"] = pseudonym(change.of, event.actor) if event.actor else ""
    stated |= {"valid_s": event.valid_s - change.shift_s, "known_s": event.known_s - change.shift_s}
    change.renamed[event.hash] = other.commit(stated, event.version - 1).hash


def _links(event: Event, change: Change) -> dict[str, Any]:
    """Inputs and outputs that are in the file, by their new hashes."""
    return {key: [change.renamed[n] for n in getattr(event, key) if n in change.renamed] for key in ("inputs", "outputs", "kept")}
