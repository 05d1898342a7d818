"""What may no longer be trusted: everything that depends on a retracted event."""

from collections import defaultdict
from collections.abc import Iterable

from gemel.store.event import Event


def tainted(events: Iterable[Event]) -> frozenset[str]:
    """Hashes of the events and outputs reachable from retracted events along input → event → output.

    Conservative: an artefact that a retracted event put out is tainted wherever else it came from, for its bytes are the same.
    A retraction takes the retracted event as its input and is not tainted by it.
    """
    consumers: dict[str, list[Event]] = defaultdict(list)
    by_hash: dict[str, Event] = {}
    pending: list[str] = []
    for event in events:
        by_hash[event.hash] = event
        if event.kind == "Retracted":
            pending += event.inputs
            continue
        for name in event.inputs:
            consumers[name].append(event)
    found: set[str] = set()
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        pending += by_hash[name].outputs if name in by_hash else ()
        pending += [event.hash for event in consumers[name]]
    return frozenset(found)
