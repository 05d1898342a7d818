"""From a crate to the record: verified first, byte by byte; then its events are appended, in one transaction."""

import hashlib
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gemel.core.errors import ConflictError, StoreError
from gemel.store import crate, files, persons
from gemel.store.event import KINDS, SEALED, Event, canonical, parse
from gemel.store.record import Store

_NAME = re.compile(r"events\.jsonl|persons\.jsonl|artefacts/[0-9a-f]{64}")
LARGEST_RATIO = 1100  # deflate cannot do better than 1032 (zlib.net/zlib_tech.html); more is a forged header
LARGEST_TEXT = 1 << 30  # bytes of metadata, events or persons that are read into memory


@dataclass(frozen=True)
class Crate:
    """A crate whose every byte was checked: its events, artefacts by name, lines about persons, seal, and whether that was compared."""

    path: Path
    events: tuple[Event, ...]
    artefacts: tuple[str, ...]
    persons: tuple[tuple[str, str, str], ...]
    seal: str
    compared: bool


def read_crate(path: Path, *, seal: str = "") -> Crate:
    """Checks a crate against itself and against the seal its sender told. Raises StoreError for anything damaged, forged or missing.

    Without the seal, a file that was forged as a whole, hashes and all, cannot be told from a true one.
    """
    with _refusing(path), files.refusing(path), zipfile.ZipFile(path) as archive:
        metadata = _bytes(archive, crate.METADATA)
        found = crate.seal_of(metadata)
        if seal and found != seal:
            raise _refused(path, f"a crate with the seal {found}, not {seal}")
        listed = _listed(path, archive, metadata)
        for name, entity in listed.items():
            _require_sound(path, archive, name, entity)
        events = _events(path, _bytes(archive, crate.EVENTS), metadata)
        lines = _bytes(archive, crate.PERSONS).decode().splitlines() if crate.PERSONS in listed else []
    artefacts = tuple(sorted(name.removeprefix(crate.ARTEFACTS) for name in listed if name.startswith(crate.ARTEFACTS)))
    _require_kept(path, events, artefacts)
    return Crate(path, events, artefacts, tuple((a, b, c) for a, b, c in map(json.loads, lines)), found, bool(seal))


def load(store: Store, path: Path, *, seal: str = "", actor: str = "") -> list[Event]:
    """Takes the twin of a crate into the record, and returns its events there.

    Events are sealed anew, in this record's chain, and speak of one another by their new hashes; times, actors and environments stay.
    A last event names the crate's seal and head, and keeps the original bodies. Raises ConflictError when the twin is here already.
    """
    held = read_crate(path, seal=seal)
    twin = held.events[0].twin
    with files.refusing(path), zipfile.ZipFile(path) as archive:
        for name in held.artefacts:
            store.artefacts.put(archive.read(f"{crate.ARTEFACTS}{name}"))
        original = store.artefacts.put(archive.read(crate.EVENTS))
    with store.together():
        if store.version(twin):
            raise ConflictError(f"twin {twin} is in this record already", where=str(path), remedy="load it into another record")
        for person in held.persons:
            persons.keep_as_it_was(store.rows, *person)
        renamed: dict[str, str] = {}
        loaded = [_append(store, event, renamed) for event in held.events]
        absent = sorted(set(persons.references(held.events)) - {reference for reference, *_ in held.persons})
        note = {"imported": {"seal": held.seal, "compared": held.compared, "head": held.events[-1].hash}, "persons": absent}
        loaded.append(store.append(twin, "Ingested", note, valid_s=held.events[-1].valid_s, actor=actor, outputs=[original]))
    return loaded


def _append(store: Store, event: Event, renamed: dict[str, str]) -> Event:
    """The event in this record's chain."""
    stated = {name: getattr(event, name) for name in SEALED if name not in ("version", "previous")}
    again = store.commit({name: _with_new_names(value, renamed) for name, value in stated.items()}, event.version - 1)
    renamed[event.hash] = again.hash
    return again


def _with_new_names(value: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return renamed.get(value, value)
    if isinstance(value, Mapping):
        return {key: _with_new_names(item, renamed) for key, item in value.items()}
    return [_with_new_names(item, renamed) for item in value] if isinstance(value, list | tuple) else value


def _listed(path: Path, archive: zipfile.ZipFile, metadata: bytes) -> dict[str, Mapping[str, Any]]:
    """Files by name, as the metadata lists them: exactly those that the zip holds."""
    entities = {str(entity["@id"]): entity for entity in json.loads(metadata)["@graph"]}
    parts = [str(part["@id"]) for part in entities["./"]["hasPart"]]
    names = archive.namelist()
    if sorted(names) != sorted([crate.METADATA, *parts]):
        raise _refused(path, f"files {sorted(set(names) ^ {crate.METADATA, *parts})[:3]} that are not both listed and there, once each")
    if crate.EVENTS not in parts or not all(map(_NAME.fullmatch, parts)):
        raise _refused(path, "no events, or names that a twin's crate does not have")
    return {name: entities[name] for name in parts}


def _require_sound(path: Path, archive: zipfile.ZipFile, name: str, entity: Mapping[str, Any]) -> None:
    """Size and hash are those listed, and an artefact's name is its hash."""
    info, state, size = archive.getinfo(name), hashlib.sha256(), 0
    if info.file_size != int(entity["contentSize"]) or info.file_size > LARGEST_RATIO * max(info.compress_size, 1):
        raise _refused(path, f"{name} is not of the size that is listed")
    with archive.open(info) as stream:
        while chunk := stream.read(1 << 20):
            state.update(chunk)
            size += len(chunk)
    named = name.removeprefix(crate.ARTEFACTS) if name.startswith(crate.ARTEFACTS) else entity["sha256"]
    if not state.hexdigest() == entity["sha256"] == named or size != info.file_size:
        raise _refused(path, f"{name} does not match its hash")


def _events(path: Path, lines: bytes, metadata: bytes) -> tuple[Event, ...]:
    """The events: of one twin, without gaps, in order, and those that the metadata tells of."""
    bodies = lines.decode("ascii").splitlines()
    events = tuple(map(parse, bodies))
    if not events or any(canonical(json.loads(body)) != body for body in bodies):
        raise _refused(path, "events that are not in canonical form, or none")
    order = {event.hash: i for i, event in enumerate(events)}
    faults = [f"version {i + 1} was due" for i, event in enumerate(events) if (event.twin, event.version) != (events[0].twin, i + 1)]
    faults += [
        f"{event.hash} follows an event that it cannot" for i, event in enumerate(events) if order.get(event.previous, i - 1) != i - 1
    ]
    faults += [f"an event of kind {event.kind!r}" for event in events if event.kind not in KINDS]
    told = [str(entity["@id"]) for entity in json.loads(metadata)["@graph"] if entity["@type"] == "CreateAction"]
    faults += [] if told == [f"#{event.hash}" for event in events] else ["events other than the metadata tells of"]
    if faults:
        raise _refused(path, faults[0])
    return events


def _require_kept(path: Path, events: Sequence[Event], artefacts: Sequence[str]) -> None:
    """Everything that the events rely on is there, unless it was erased."""
    erased = {name for event in events if event.kind == "Erased" for name in event.payload["artefacts"]}
    needed = {name for event in events for name in (*event.kept, event.environment)}
    if missing := sorted(needed - erased - set(artefacts)):
        raise _refused(path, f"no artefact {missing[0]}, on which an event relies")


def _bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST_TEXT:
        raise ValueError(f"{name} is too large")
    return archive.read(name)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Whatever a damaged zip or metadata makes a parser raise becomes one clear error."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, struct.error, KeyError, ValueError, TypeError, IndexError, EOFError) as error:
        raise _refused(path, f"a file that is no whole crate ({type(error).__name__}: {str(error)[:80]})") from error
    except (NotImplementedError, RuntimeError, AttributeError) as error:  # unknown or encrypted members; metadata of another shape
        raise _refused(path, f"a file that is no crate of a twin ({type(error).__name__})") from error


def _refused(path: Path, found: str) -> StoreError:
    return StoreError(found, where=str(path), remedy="ask the sender for the file again, and for its seal")
