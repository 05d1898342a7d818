"""A twin as one file: a zip that is an RO-Crate 1.1 (w3id.org/ro/crate/1.1), which lists every file in it with its SHA-256.

`ro-crate-metadata.json`, `events.jsonl` (the bodies that the hashes seal), `artefacts/<SHA-256>`, and `persons.jsonl` when asked for.
The crate's seal is the SHA-256 of its metadata file: told apart from the file, it vouches for every byte.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from gemel.core.time import iso
from gemel.store.event import Event

METADATA, EVENTS, PERSONS, ARTEFACTS = "ro-crate-metadata.json", "events.jsonl", "persons.jsonl", "artefacts/"
_CONTEXT = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://schema.org/sha256"}]
_NOTICE = "Research software. Not a medical device; must not be the sole basis of a clinical decision."
_TERMS = "Health data: no licence comes with this file; the agreement between its sender and its receiver governs its use."


def described(name: str, content: bytes) -> dict[str, Any]:
    """The metadata entity of a file."""
    kind = {EVENTS: "application/jsonl", PERSONS: "application/jsonl"}.get(name, "application/octet-stream")
    return {
        "@id": name,
        "@type": "File",
        "contentSize": str(len(content)),
        "encodingFormat": kind,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def metadata(events: Sequence[Event], files: Sequence[Mapping[str, Any]], made_s: float, software: str) -> bytes:
    """The metadata file: descriptor, root data set, files, and each event as an action with what it used and made."""
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"gemel twin {events[0].twin}",
        "description": f"Events 1 to {events[-1].version} of a digital twin, and their artefacts. {_NOTICE}",
        "identifier": events[0].twin,
        "version": str(events[-1].version),
        "datePublished": iso(made_s),
        "license": {"@id": "#terms"},
        "hasPart": [{"@id": entity["@id"]} for entity in files],
        "mentions": [{"@id": f"#{event.hash}"} for event in events],
    }
    about = {"@id": "./"}
    descriptor = {
        "@id": METADATA,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": about,
    }
    terms = {"@id": "#terms", "@type": "CreativeWork", "name": "Terms of use", "description": _TERMS}
    program = {"@id": "#gemel", "@type": "SoftwareApplication", "name": "gemel", "version": software}
    names = {str(entity["@id"]) for entity in files} | {f"#{event.hash}" for event in events}
    graph = [descriptor, root, terms, program, *files, *(_action(event, names) for event in events)]
    return json.dumps({"@context": _CONTEXT, "@graph": graph}, indent=1, sort_keys=True).encode()


def seal_of(metadata: bytes) -> str:
    """The crate's seal."""
    return hashlib.sha256(metadata).hexdigest()


def _action(event: Event, names: set[str]) -> dict[str, Any]:
    """An event as schema.org's CreateAction, the way RO-Crate 1.1 tells provenance."""
    return {
        "@id": f"#{event.hash}",
        "@type": "CreateAction",
        "name": f"{event.kind}, version {event.version}",
        "endTime": iso(event.known_s),
        "instrument": {"@id": "#gemel"},
        "object": _links(event.inputs, names),
        "result": _links(event.outputs, names),
    }


def _links(hashes: Sequence[str], names: set[str]) -> dict[str, str] | list[dict[str, str]]:
    """Links to those hashes that are files or events of the crate; a single one stands alone (RO-Crate 1.1, appendix on JSON-LD)."""
    found = [{"@id": link} for name in hashes for link in (f"{ARTEFACTS}{name}", f"#{name}") if link in names]
    return found[0] if len(found) == 1 else found
