"""Facts said again after a retraction, so that nothing which counts rests on what was withdrawn."""

from collections.abc import Mapping
from typing import Any

from gemel.flow.standing import FACTS, REPLACES, standing
from gemel.store import Event, Store


def restate(store: Store, twin_id: str, *, actor: str = "") -> tuple[Event, ...]:
    """Events that say again each fact which stands but is linked to a withdrawn event, without that link.

    A scan is a scan whatever was forecast before it, and what was given was given whatever recommended it; only the dose that was
    calculated on a withdrawn scan is left out.
    """
    tainted = store.tainted()
    history = tuple(store.events(twin_id))
    kept = standing(history, tainted)
    known = {event.hash: event for event in history}
    renamed = {event.hash: event.hash for event in kept if event.hash not in tainted}
    again = []
    for fact in kept:
        if fact.kind in FACTS and fact.hash in tainted:
            again.append(_said_again(store, fact, _scan(fact, known, renamed), (known, renamed), actor))
            renamed[fact.hash] = again[-1].hash
    return tuple(again)


def _scan(fact: Event, known: Mapping[str, Event], renamed: Mapping[str, str]) -> str:
    """The present hash of the scan that something was given or made on; empty when that was withdrawn."""
    links = [known[name] for name in fact.inputs if name in known]
    scans = [event.hash for event in links if event.kind == "Observed"] + [e.payload["scan"] for e in links if "scan" in e.payload]
    return next((renamed[name] for name in scans if name in renamed), "")


def _said_again(store: Store, fact: Event, scan: str, names: tuple[Mapping[str, Event], Mapping[str, str]], actor: str) -> Event:
    """The fact with its links to what stands (`names`: events by hash, new hash by old); without the dose when its scan was withdrawn."""
    known, renamed = names
    payload: dict[str, Any] = {**fact.payload, REPLACES: [fact.hash]}
    if fact.kind == "Acted" and not scan:
        payload.pop("part", None)
    links = [renamed.get(name, name) for name in fact.inputs if name in renamed or name not in known]
    outputs = tuple(name for name in fact.outputs if name in payload.values())
    return store.append(
        fact.twin,
        fact.kind,
        payload,
        valid_s=fact.valid_s,
        actor=actor,
        seed=fact.seed,
        inputs=tuple(dict.fromkeys((*filter(None, (scan,)), *links))),
        outputs=outputs,
    )
