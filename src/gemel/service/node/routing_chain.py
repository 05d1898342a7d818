"""What a series leads to, one verb after the other: observed, then a library, then a decision; each at most once for a series."""

from dataclasses import replace

from gemel.service.node import routing_book as books
from gemel.service.node.routing_book import Routed
from gemel.service.node.routing_decide import AND_THEN
from gemel.service.node.routing_twin import observation_of, observed_in
from gemel.store import Store


def made_by(store: Store, routed: Routed) -> str:
    """The twin that has done already what the series is there for, "" when none has: a crash may lie between a job and its note."""
    if routed.act == "observe":
        return observed_in(store, routed.series)
    if routed.act == "prepare":
        return routed.twin if any("library" in event.payload for event in store.of_kind("Promoted", twin=routed.twin)) else ""
    if routed.act == "decide":
        return routed.twin if _decided(store, routed) else ""
    return ""


def _decided(store: Store, routed: Routed) -> bool:
    """Whether the series has its decision, or is not the newest scan any more: a decision is taken on that one."""
    seen = observation_of(store, routed.series)
    if seen is None:
        return False
    newest = max(store.of_kind("Observed", twin=routed.twin), key=lambda event: (event.valid_s, event.version))
    decided = store.of_kind("Decided", twin=routed.twin)
    return newest.hash != seen.hash or any(event.payload.get("scan") == seen.hash for event in decided)


def followed(routed: Routed, twin: str, now_s: float) -> Routed:
    """The series after its verb was done: due for the next one that its rule names, or done."""
    rest = [str(verb) for verb in routed.arguments.get(AND_THEN, ())]
    if not rest:
        return replace(routed, state=books.DONE, twin=twin, why="")
    told = {"twin": twin, **({AND_THEN: rest[1:]} if rest[1:] else {})}
    return replace(routed, state=books.WAITING, act=rest[0], twin=twin, arguments=told, attempts=0, due_s=now_s, why="", job="")
