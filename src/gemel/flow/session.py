"""A twin opened for work: rebuilt from its events alone, to the same belief."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from gemel.core import twin as twins
from gemel.core.badge import Badge, badge
from gemel.core.belief import Belief
from gemel.core.digest import digest
from gemel.core.errors import InputError, StoreError
from gemel.core.packing import unpack
from gemel.core.record import Action, Event, Observation
from gemel.core.system import System
from gemel.core.twin import Twin
from gemel.flow import registry, remembered
from gemel.flow.standing import standing
from gemel.store import Event as Entry
from gemel.store import Store


@dataclass(frozen=True)
class Session:
    """A twin with its system, its case, its library (None before `prepare`) and the entries of the record it was rebuilt from.

    `history` holds every entry, also those that no longer count (`flow.standing`).
    """

    store: Store
    id: str
    system: System
    case: Any
    library: Any
    twin: Twin
    entries: tuple[Entry, ...]
    history: tuple[Entry, ...]

    @property
    def version(self) -> int:
        """Version of the last entry."""
        return self.history[-1].version

    @property
    def badge(self) -> Badge:
        """model, shadow or twin."""
        return badge(self.twin.record)


def open_session(store: Store, twin_id: str, *, as_of_s: float | None = None, known_at_s: float | None = None) -> Session:
    """The twin as it was at `as_of_s` (what had happened) and `known_at_s` (what was known). Raises InputError for an unknown id."""
    history = tuple(store.events(twin_id, as_of=as_of_s, known_at=known_at_s))
    if not history or all(entry.kind != "Ingested" for entry in history):
        known = ", ".join(store.twins()) or "none"
        raise InputError(f"no twin {twin_id!r}" + (" at that time" if as_of_s else ""), remedy=f"the store holds {known}")
    return rebuilt(store, history, store.tainted(known_at_s))


def rebuilt(store: Store, history: tuple[Entry, ...], tainted: Set[str], *, fresh: bool = False) -> Session:
    """The twin that some entries of one record tell of; `fresh`: folded from the prior on, whatever is remembered.

    Raises StoreError when its planning data were withdrawn or erased.
    """
    entries = standing(history, tainted)
    ingested = [entry for entry in entries if entry.kind == "Ingested"]
    _require_planning(history, ingested)
    start = ingested[0]
    system = registry.system(str(start.payload["system"]))
    case: Any = unpack(system.case, store.artefacts.get_arrays(start.payload["case"]))
    prepared = newest(entries, "library")
    library: Any = None
    if prepared and system.library:
        library = unpack(system.library, store.artefacts.get_arrays(prepared.payload["library"]))
    empty = twins.new(system.model(case, library), start.valid_s, int(start.payload["seed"]))
    if fresh:
        twin = twins.assimilate(empty, record(entries))
    else:
        twin = remembered.assimilated(empty, entries, store=store, system=system, record=record)
    return Session(store, start.twin, system, case, library, twin, entries, history)


def _require_planning(history: tuple[Entry, ...], ingested: list[Entry]) -> None:
    erased = [e for e in history if e.kind == "Erased" and any(i.payload.get("case") in e.payload["artefacts"] for i in ingested)]
    if erased:
        found = f"a twin that was erased: {erased[-1].payload['reason']}"
        raise StoreError(found, where=history[0].twin, remedy="make a new one; the chain of events alone is kept")
    if not ingested:
        raise StoreError("planning data that were withdrawn", where=history[0].twin, remedy="make a new twin: gemel twin new")


def newest(entries: tuple[Entry, ...], key: str) -> Entry | None:
    """The last entry by valid time whose payload has the key."""
    found = [entry for entry in entries if key in entry.payload]
    return max(found, key=lambda entry: (entry.valid_s, entry.version)) if found else None


def record(entries: tuple[Entry, ...]) -> tuple[Event, ...]:
    """The observations and actions that the entries hold."""
    seen = [observation(row) for entry in entries if entry.kind == "Observed" for row in entry.payload["observations"]]
    done = [Action(**entry.payload["action"]) for entry in entries if entry.kind == "Acted"]
    return (*seen, *done)


def observation(row: Mapping[str, Any]) -> Observation:
    """An observation from its JSON row."""
    return Observation(row["kind"], row["t_s"], np.array(row["value"], dtype=float), np.array(row["sd"], dtype=float), row["source"])


def row(observed: Observation) -> dict[str, Any]:
    """The JSON row of an observation; floats keep their last bit."""
    return {
        "kind": observed.kind,
        "t_s": observed.t_s,
        "value": observed.value.tolist(),
        "sd": observed.sd.tolist(),
        "source": observed.source,
    }


def belief_digest(belief: Belief) -> str:
    """SHA-256 of 256 draws from a fixed generator: equal beliefs draw equally, whatever their kind."""
    state, params = belief.draw(256, np.random.default_rng(0))
    return digest({"state": dict(state), "params": dict(params)})


def require_library(session: Session) -> Any:
    """The library, None for a system that makes nothing ahead. Raises StoreError when it has not been prepared."""
    if session.library is None and session.system.prepare is not None:
        raise StoreError("no plan library yet", where=session.id, remedy=f"run: gemel twin prepare {session.id}")
    return session.library


def plan_of(session: Session, name: str) -> Any:
    """The plan of that name: one made on a day, or of the library. Raises InputError for an unknown name, StoreError before `prepare`."""
    made = [e for e in session.entries if e.kind == "Adapted" and e.payload["name"] == name]
    if made:
        return unpack(lent(session, "plan"), session.store.artefacts.get_arrays(made[-1].payload["plan"]))
    return lent(session, "take")(require_library(session), name)


def day_of(session: Session, scan: Entry) -> Any:
    """What a scan showed, from its Observed event."""
    return unpack(session.system.day, session.store.artefacts.get_arrays(scan.payload["day"]))


def last_decision(session: Session) -> Entry | None:
    """The newest decision by the time it speaks of."""
    return newest(tuple(e for e in session.entries if e.kind == "Decided"), "recommended")


def given_on(session: Session, decided: Entry) -> list[Entry]:
    """What was given on a decision: it names it, or was said again for the same time."""
    return [e for e in session.entries if e.kind == "Acted" and (decided.hash in e.inputs or e.valid_s == decided.valid_s)]


def scan_of(session: Session, decided: Entry) -> Entry:
    """The scan that a decision was taken on."""
    return next(e for e in session.entries if e.hash == decided.payload["scan"])


def lent(session: Session, name: str) -> Any:
    """What a system may lack. Raises InputError, which says so, when this one does."""
    found = getattr(session.system, name)
    if found is None:
        raise InputError(f"a system that has no {name!r}", where=session.system.name, remedy="use the other verbs, or add it to the system")
    return found
