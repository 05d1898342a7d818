"""From the record to one file that another machine can verify and open."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from gemel.core.errors import InputError
from gemel.store import crate, files, persons, queries
from gemel.store.artefacts import find
from gemel.store.environment import version_of
from gemel.store.event import Event, canonical
from gemel.store.objects import is_arrival
from gemel.store.record import Store
from gemel.store.sweep import spoken


def export(store: Store, twin: str, path: Path, *, with_persons: bool = False, with_originals: bool = True) -> str:
    """Writes a twin's events, and every artefact they speak of, as an RO-Crate, and returns the crate's seal.

    Tell the seal to the receiver by another way than the file. Who the person is goes along only when asked for. Original images hold it
    too: without them the twin still opens and believes the same, and only its images cannot be registered again.
    Raises InputError for an unknown twin, StoreError when an artefact is damaged.
    """
    events = store.events(twin)
    if not events or any(map(is_arrival, events)):
        known = ", ".join(store.twins()) or "none"
        raise InputError(f"no twin {twin!r} to export", where="export", remedy=f"the record holds {known}; an inbox is no twin")
    bodies = [body for _, *_, body in queries.event_rows(store.rows, twin)]
    left = set() if with_originals else _originals(events)
    named = sorted(name for name in spoken(bodies) - left if find(store.artefacts, name))
    parts = {crate.EVENTS: "".join(f"{body}\n" for body in bodies).encode()}
    if with_persons:
        rows = [row for reference in persons.references(events) for row in queries.persons(store.rows, reference)]
        parts[crate.PERSONS] = "".join(f"{canonical(row)}\n" for row in rows).encode()
    described = [crate.described(name, content) for name, content in parts.items()]
    described += [crate.described(f"{crate.ARTEFACTS}{name}", store.artefacts.get(name)) for name in named]
    metadata = crate.metadata(events, described, store.clock(), version_of("gemel") or "unknown")
    _write(path, {crate.METADATA: metadata, **parts}, store, named)
    return crate.seal_of(metadata)


def _originals(events: list[Event]) -> set[str]:
    """What the events took in and none of them made."""
    return {name for event in events for name in event.inputs} - {name for event in events for name in event.outputs}


def _write(path: Path, parts: Mapping[str, bytes], store: Store, named: list[str]) -> None:
    """The zip, whole or not at all: temporary name, flush, rename."""
    temporary = path.with_name(f"{files.TEMPORARY}{uuid4().hex}")
    with files.refusing(path):
        try:
            with zipfile.ZipFile(temporary, "x") as archive:
                for name, content in parts.items():
                    archive.writestr(_entry(name), content)
                for name in named:
                    archive.writestr(_entry(f"{crate.ARTEFACTS}{name}"), store.artefacts.get(name))
            files.sync_file(temporary)
            files.publish(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _entry(name: str) -> zipfile.ZipInfo:
    """A member dated 1980-01-01, compressed: the same content makes the same file."""
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.compress_type, entry.external_attr = 3, zipfile.ZIP_DEFLATED, 0o644 << 16
    return entry
