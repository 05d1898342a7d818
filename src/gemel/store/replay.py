"""Is what the record says still what the code computes? Any version rebuilt, or the first thing named that cannot be."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gemel.core.errors import InputError, StoreError
from gemel.store.artefacts import is_there
from gemel.store.environment import differences, environment
from gemel.store.event import Event, canonical, parse
from gemel.store.queries import bodies
from gemel.store.record import Store


@dataclass(frozen=True)
class Recomputed:
    """What an event's computation gave this time: hashes of its outputs, and those entries of its payload that were computed."""

    outputs: tuple[str, ...]
    payload: Mapping[str, Any] = field(default_factory=dict)


Recompute = Callable[[Event], Recomputed | None]  # None: an original, a choice or a fact, which no computation gives


@dataclass(frozen=True)
class Replay:
    """How far a version could be rebuilt: events computed again, originals found whole, and the first event that differs, with the reason.

    `environment` tells what differs between the versions of code and libraries that made that event and those of this process.
    """

    version: int
    recomputed: int
    originals: int
    leaf: Event | None = None
    why: str = ""
    environment: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """True when all of it came out hash-identical."""
        return self.leaf is None


def replay(store: Store, twin: str, recompute: Recompute, *, version: int | None = None) -> Replay:
    """Computes again, in order of commit, each event of a twin up to a version and each event of others that it rests on.

    Stops at the first that does not come out hash-identical, or whose original is gone: everything after it may differ because of it.
    Raises InputError for a version that is not there.
    """
    latest = store.version(twin)
    asked = latest if version is None else version
    if not 1 <= asked <= latest:
        raise InputError(f"version {asked} of {twin}", where="replay", remedy=f"the record holds versions 1 to {latest}")
    recomputed = originals = 0
    for event in _foundations(map(parse, bodies(store.rows)), twin, asked):
        found = recompute(event)
        why = _lost(store, event) if found is None else _difference(event, found)
        if why:
            return Replay(asked, recomputed, originals, event, why, _environment(store, event))
        recomputed += found is not None
        originals += found is None
    return Replay(asked, recomputed, originals)


def _foundations(events: Iterable[Event], twin: str, version: int) -> list[Event]:
    """The twin's events up to the version and all that they rest on, in order of commit."""
    everything = list(events)
    makers: dict[str, list[Event]] = {}
    for event in everything:
        for name in (event.hash, *event.outputs):
            makers.setdefault(name, []).append(event)
    pending = [event for event in everything if event.twin == twin and event.version <= version]
    wanted: set[str] = set()
    while pending:
        event = pending.pop()
        if event.hash not in wanted:
            wanted.add(event.hash)
            pending += [maker for name in event.inputs for maker in makers.get(name, ())]
    return [event for event in everything if event.hash in wanted]


def _lost(store: Store, event: Event) -> str:
    """Why an original cannot be used; empty when all of it is there."""
    gone = [name for name in event.kept if not is_there(store.artefacts, name)]
    return f"the original {gone[0]} is missing or altered" if gone else ""


def _difference(event: Event, found: Recomputed) -> str:
    """What came out differently; empty when nothing did."""
    if found.outputs != event.outputs:
        pairs = [(then, now) for then, now in zip(event.outputs, found.outputs, strict=False) if then != now]
        then, now = pairs[0] if pairs else (f"{len(event.outputs)} outputs", f"{len(found.outputs)}")
        return f"its output was {then} and is {now}"
    for name, value in sorted(found.payload.items()):
        then, now = canonical(event.payload.get(name)), canonical(value)
        if then != now:
            return f"its {name} was {then[:200]} and is {now[:200]}"
    return ""


def _environment(store: Store, event: Event) -> tuple[str, ...]:
    try:
        return differences(store.artefacts.get(event.environment), environment())
    except StoreError:
        return ("what code and libraries made it is not known any more",)
