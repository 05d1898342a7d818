"""Results of a twin put out for the destinations that want them, once for each change of the record that calls for it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gemel.core.errors import GemelError
from gemel.core.system import silent
from gemel.service.jobs import Ask, Bench, Order
from gemel.service.jobs.running import laid_out_in
from gemel.service.node import routing_book as books
from gemel.service.node.commitment import Reference
from gemel.service.node.rules import EVENTS, Routing, wait_s
from gemel.service.node.sending_outbox import Outbox, put
from gemel.service.node.sending_store import item_of
from gemel.service.security.database import Database
from gemel.store import Event, Store

KIND_OF: Mapping[str, str] = {
    "1.2.840.10008.5.1.4.1.1.66.4": "SEG",
    "1.2.840.10008.5.1.4.1.1.66.7": "SEG",
    "1.2.840.10008.5.1.4.1.1.481.3": "RTSTRUCT",
    "1.2.840.10008.5.1.4.1.1.481.2": "RTDOSE",
    "1.2.840.10008.5.1.4.1.1.481.8": "RTPLAN",
    "1.2.840.10008.5.1.4.1.1.88.33": "SR",
    "1.2.840.10008.5.1.4.1.1.88.34": "SR",
    "1.2.840.10008.5.1.4.1.1.88.22": "SR",
    "1.2.840.10008.5.1.4.1.1.88.68": "RDSR",
    "1.2.840.10008.5.1.4.1.1.88.73": "RDSR",
    "1.2.840.10008.5.1.4.1.1.20": "NM",
    "1.2.840.10008.5.1.4.1.1.104.1": "PDF",
    "1.2.840.10008.5.1.4.1.1.66.1": "REG",
    "1.2.840.10008.5.1.4.1.1.66.3": "REG",
    "1.2.840.10008.5.1.4.1.1.30": "PM",
    "1.2.840.10008.5.1.4.1.1.2": "CT",
}
"""Storage SOP classes (PS3.6 Annex A) by the words of a configuration's `send`."""
BEGUN = "results begun"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Maker:
    """What putting results out works with: the record, who makes the files (a child process), the outbox and the rules.

    `tried`: attempts that failed, and when the next is due; `heads`: the record as it was last looked at.
    """

    store: Store
    make: Ask
    outbox: Outbox
    routing: Routing
    tried: dict[str, tuple[int, float]] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)


def step(maker: Maker, now_s: float) -> int:
    """Results of every twin that changed since they were last put out; how many objects that were.

    A record that the node meets for the first time is taken as it stands: nothing of the past is sent.
    """
    book = maker.outbox.book
    if not maker.routing.destinations:
        return 0
    if not books.cursor(book, BEGUN):
        for twin in maker.store.twins():
            remember(book, twin, maker.store.version(twin))
        books.move_cursor(book, BEGUN, now_s)
    if (head := maker.store.head()) in maker.heads and not maker.tried:
        return 0
    maker.heads[:] = [head]
    return sum(_of_twin(maker, twin, event, now_s) for twin, event in changed(book, maker.store, maker.routing))


def changed(book: Database, store: Store, routing: Routing) -> list[tuple[str, Event]]:
    """Twins with an event since the last time that calls for results, and their newest event; the others' versions are remembered."""
    kinds = {EVENTS[verb] for verb in routing.results_after}
    told = dict(book.select("SELECT twin, version FROM told"))
    found = []
    for twin in store.twins():
        if store.version(twin) <= (last := int(told.get(twin, 0))):
            continue
        new = [event for event in store.events(twin) if event.version > last]
        if any(event.kind in kinds for event in new):
            found.append((twin, new[-1]))
        elif new:
            remember(book, twin, new[-1].version)
    return found


def remember(book: Database, twin: str, version: int) -> None:
    """Results up to this version have been put out, or nobody wants them."""
    with book.change() as connection:
        connection.execute("INSERT OR REPLACE INTO told VALUES (?, ?)", (twin, version))


def _of_twin(maker: Maker, twin: str, event: Event, now_s: float) -> int:
    attempts, due_s = maker.tried.get(twin, (0, 0.0))
    if now_s < due_s:
        return 0
    try:
        n = put_out(maker, twin, event, now_s)
    except GemelError as error:
        log.warning("results of a twin: %s", error.found)
        maker.tried[twin] = (attempts + 1, now_s + wait_s(maker.routing, attempts + 1))
        if attempts + 1 < maker.routing.attempts:
            return 0
        n = 0
    maker.tried.pop(twin, None)
    remember(maker.outbox.book, twin, event.version)
    return n


def put_out(maker: Maker, twin: str, event: Event, now_s: float) -> int:
    """Makes the results as the record knew them at its newest event, and puts those that are wanted into the outbox."""
    system = str(maker.store.events(twin)[0].payload.get("system", ""))
    wanted = [to for to in maker.routing.destinations if to.send and (not to.systems or system in to.systems)]
    if not wanted:
        return 0
    with TemporaryDirectory(dir=laid_out_in(maker.outbox.folder.parent)) as folder:  # where an erasure finds what a kill leaves
        paths = maker.make(Order("results", {"twin": twin, "folder": folder, "made_s": event.known_s}), silent)
        items = [item_of(Path(path)) for path in paths]
        n = 0
        for to in wanted:
            for item in items:
                kind = KIND_OF.get(item.sop_class_uid, "")
                if kind in to.send:
                    named = Reference(item.sop_class_uid, item.sop_instance_uid)
                    n += put(maker.outbox, item.path.read_bytes(), named, to.name, kind=kind, twin=twin, now_s=now_s)
    return n


def made(at: Bench, told: Mapping[str, Any]) -> list[str]:
    """In the child: the files of a twin's results."""
    from gemel.flow.results import results  # loads the systems: in the child alone

    return [str(path) for path in results(at.store, str(told["twin"]), Path(told["folder"]), float(told["made_s"]))]


TABLE: Mapping[str, Callable[[Bench, Mapping[str, Any]], Any]] = {"results": made}
