"""From any result back to the images: events, the originals and artefacts between them, and what of all that was withdrawn."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gemel.core.time import iso
from gemel.flow.retract import find
from gemel.flow.words import in_words
from gemel.store import Event, Store

Kind = Literal["event", "decision", "original", "artefact"]


@dataclass(frozen=True)
class Node:
    """An event, the files that it was read from (together), or what it made. `version` is 0 for what is no event."""

    id: str
    kind: Kind
    label: str
    at: str
    tainted: bool
    version: int = 0


@dataclass(frozen=True)
class Provenance:
    """Nodes in order of the record, and edges (from, to): the second rests on the first."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]


def provenance(store: Store, twin_id: str, which: str = "") -> Provenance:
    """All that a twin rests on, or one entry of it, named by version or hash. Raises InputError for an entry that is not there."""
    history = tuple(store.events(twin_id))
    wanted = _behind(history, find(history, twin_id, which).hash) if which else {event.hash for event in history}
    tainted = store.tainted()
    gone = {name for event in history if event.kind == "Retracted" for name in event.inputs}
    chosen = [event for event in history if event.hash in wanted]
    made = _makers(chosen)
    nodes = [node for event in chosen for node in _nodes(event, made, tainted | gone)]
    edges = [edge for event in chosen for edge in _edges(event, made, wanted)]
    return Provenance(tuple({node.id: node for node in nodes}.values()), tuple(dict.fromkeys(edges)))


def _behind(history: Sequence[Event], hash: str) -> set[str]:
    """Hashes of an entry and of all that it rests on."""
    known, made = {event.hash: event for event in history}, _makers(history)
    pending, found = [hash], set[str]()
    while pending:
        name = made.get(pending.pop(), "")
        if name in known and name not in found:
            found.add(name)
            pending += known[name].inputs
    return found


def _makers(events: Sequence[Event]) -> dict[str, str]:
    """Hash of the event that made each thing: itself, its outputs."""
    return {name: event.hash for event in events for name in (*event.outputs, event.hash)}


def _originals(event: Event, made: Mapping[str, str]) -> list[str]:
    return [name for name in event.inputs if name not in made] if event.kind in ("Ingested", "Observed") else []


def _together(names: Sequence[str]) -> str:
    """One name for the files of one input."""
    return "files-" + hashlib.sha256("".join(names).encode()).hexdigest()[:24]


def _nodes(event: Event, made: Mapping[str, str], tainted: frozenset[str] | set[str]) -> Iterator[Node]:
    files = _originals(event, made)
    if files:
        label = f"{len(files)} files" if len(files) > 1 else "1 file"
        yield Node(_together(files), "original", label, iso(event.valid_s), bool(tainted & set(files)))
    said = in_words(event)
    label = f"{event.kind}: {said}" if said else event.kind
    kind: Kind = "decision" if event.kind == "Decided" else "event"
    yield Node(event.hash, kind, label, iso(event.valid_s), event.hash in tainted, event.version)
    for name in event.outputs:
        yield Node(name, "artefact", _called(event, name), iso(event.valid_s), name in tainted)


def _called(event: Event, name: str) -> str:
    """What an output is, by the payload that names it."""
    return next((key for key, value in event.payload.items() if value == name), "artefact")


def _edges(event: Event, made: Mapping[str, str], wanted: set[str]) -> Iterator[tuple[str, str]]:
    files = _originals(event, made)
    if files:
        yield _together(files), event.hash
    for name in event.inputs:
        if made.get(name) in wanted:
            yield name, event.hash
    for name in event.outputs:
        yield event.hash, name
