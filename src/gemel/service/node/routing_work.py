"""The node at work by itself: a thread that routes what came, one that makes results, one that sends; all they know is in the book."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

from gemel.core.errors import GemelError
from gemel.service.archive import Archive
from gemel.service.jobs import Ask, Hand, Place, let_go
from gemel.service.node import routing, sending, sending_outbox, sending_results
from gemel.service.node.commitment import Reference, Report, deliver, no_peer
from gemel.service.node.commitment_scp import handlers
from gemel.service.node.front_peers import Allowed
from gemel.service.node.routing import Desk
from gemel.service.node.routing_book import open_book
from gemel.service.node.rules import Routing, peer
from gemel.service.node.rules_read import read_routing
from gemel.service.node.rules_systems import require_installed
from gemel.service.node.scu import Ours
from gemel.service.node.scu_tls import outgoing
from gemel.service.node.sending import Note, Post, unheard
from gemel.service.node.sending_outbox import Outbox
from gemel.service.node.sending_results import Maker
from gemel.service.security.database import Database
from gemel.service.settings import Settings
from gemel.store import Store

TURN_s = 1.0
RESULTS = "gemel.service.node.sending_results:TABLE"
Turn = Callable[[float], int]
log = logging.getLogger(__name__)


@dataclass
class Work:
    """What the node does by itself, with its book; `reports` are answers for storage that are still to be told to who asked."""

    desk: Desk
    post: Post
    maker: Maker
    clock: Callable[[], float] = time.time
    reports: "SimpleQueue[tuple[Report, str]]" = field(default_factory=SimpleQueue)
    stop: Event = field(default_factory=Event)
    threads: list[Thread] = field(default_factory=list)

    @property
    def book(self) -> Database:
        """What it remembers."""
        return self.desk.book

    @property
    def handlers(self) -> Mapping[str, Any]:
        """What the front calls for storage commitment."""
        took = partial(_took, self)
        return handlers(self.desk.archive, lambda report, title: self.reports.put((report, title)), took)

    @property
    def allowed(self) -> tuple[Allowed, ...]:
        """Who may call the node; everybody when it is empty."""
        rules = self.desk.routing
        known = (*rules.peers, *(to.peer for to in rules.destinations if to.peer.aet))
        return tuple(Allowed(one.aet, one.networks, one.certificate) for one in known) if rules.known_peers_only else ()

    def close(self) -> None:
        """Ends the threads, which leaves nothing by halves, and closes the book."""
        self.stop.set()
        if isinstance(self.maker.make, Hand):
            let_go(self.maker.make, for_good=True)
        for thread in self.threads:
            thread.join(1.0)
        self.book.close()


def start(
    settings: Settings,
    store: Store,
    archive: Archive,
    jobs: Any,
    *,
    make: Ask | None = None,
    turn_s: float = TURN_s,
    audited: Note = unheard,
) -> Work:
    """The node's own work: as the configuration says, nothing without one. `make`: who makes results, a child process unless stated;
    `audited` is told of what leaves, before and after.

    Raises InputError for a configuration that cannot be read, or that names a system which is not installed.
    """
    rules = read_routing(settings.config) if settings.config else Routing()
    require_installed(rules, str(settings.config))
    book = open_book(settings.folder)
    outbox = Outbox(book, settings.folder / "outbox")
    forward = partial(put_out, outbox, archive)
    desk = Desk(archive, store, book, rules, jobs, forward)
    routing.begin_now(desk)
    maker = Maker(store, make or Hand(Place(settings.store, str(settings.folder), RESULTS)), outbox, rules)
    work = Work(desk, Post(outbox, rules, Ours(settings.aet, outgoing(settings, rules)), note=audited), maker)
    turns: Mapping[str, Sequence[Turn]] = {
        "gemel-routing": [partial(routing.step, desk)],
        "gemel-results": [partial(sending_results.step, maker)],  # making them takes up to minutes, which no scan waits for
        "gemel-sending": [partial(sending.step, work.post), partial(_report, work)],
    }
    work.threads += [Thread(target=_go, args=(work, steps, turn_s), daemon=True, name=name) for name, steps in turns.items() if steps]
    for thread in work.threads:
        thread.start()
    return work


def put_out(outbox: Outbox, archive: Archive, uids: Sequence[str], destination: str) -> None:
    """Objects of the archive, for a destination, as they came."""
    for uid in uids:
        rows = archive.find("instance", {"SOPInstanceUID": uid}, limit=1)
        named = Reference(str(rows[0].get("SOPClassUID", "")), uid)
        sending_outbox.put(outbox, archive.read(uid), named, destination, kind="", twin="", now_s=time.time())


def _go(work: Work, steps: Sequence[Turn], turn_s: float) -> None:
    """Turn after turn until it is to stop; one that fails is told to the log, and taken again."""
    while not work.stop.wait(turn_s):
        for step in steps:
            try:
                step(work.clock())
            except GemelError as error:
                log.warning("%s", error.found)
            except Exception:  # a fault of the program: the node has to live on, and the log to tell
                log.exception("a turn of the node")
            if work.stop.is_set():
                return


def _report(work: Work, now_s: float) -> int:
    """Tells who asked whether their objects are safe here; who is not known or not there asks again."""
    for n in range(100):
        try:
            report, title = work.reports.get_nowait()
        except Empty:
            return n
        try:
            deliver(report, _asker(work.desk.routing, title), work.post.ours)
        except GemelError as error:
            log.warning("storage commitment for %s: %s", title, error.found)
    return 100


def _asker(rules: Routing, title: str) -> Any:
    try:
        return peer(rules, title)
    except GemelError as error:
        raise no_peer(title) from error


def _took(work: Work, report: Report) -> None:
    if not sending_outbox.answered(work.post.outbox, report, work.desk.routing, work.clock()):
        log.warning("a report of storage commitment that nobody here asked for")
