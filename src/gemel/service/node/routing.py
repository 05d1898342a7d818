"""Received series on their way: settled, decided on, given to a job, repeated with patience, or laid before a person."""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from gemel.core.errors import GemelError, UnknownError
from gemel.service.archive import Archive
from gemel.service.jobs.running import STOPPED
from gemel.service.node import routing_book as books
from gemel.service.node import worklist_series
from gemel.service.node.routing_book import Routed
from gemel.service.node.routing_chain import followed, made_by
from gemel.service.node.routing_decide import Seen, decided, routed_of
from gemel.service.node.routing_twin import observers
from gemel.service.node.rules import Routing, chosen, wait_s
from gemel.service.security.database import Database
from gemel.store import Store

ACTOR = "node"
SINCE, BEGUN = "arrivals", "routing begun"
NONE = frozenset[str]()
PERSONS = (books.ASKED, books.GROWN, books.DEAD)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """What routing works with: what came, the record, the book, the rules, jobs, and where forwards go (UIDs of a series, destination).

    `heads`: the record as it was last looked at.
    """

    archive: Archive
    store: Store
    book: Database
    routing: Routing
    jobs: Any
    forward: Callable[[Sequence[str], str], None]
    heads: list[str] = field(default_factory=list)


def step(desk: Desk, now_s: float) -> int:
    """One turn: what settled is decided on, what is due is begun, what runs is looked after. How many series moved."""
    return _settle(desk, now_s) + _begin(desk, now_s) + _follow(desk, now_s)


def seen_in(archive: Archive, row: Mapping[str, Any], quarantined: Mapping[str, int], coming: frozenset[str] = NONE) -> Seen:
    """A series of the archive with what a decision needs; `coming`: series that have not settled."""
    tags = {key: str(value or "") for key, value in row.items() if key not in ("received_s", "instances")}
    uids = archive.files(tags["SeriesInstanceUID"])
    beside = archive.find("series", {"StudyInstanceUID": tags["StudyInstanceUID"]}, limit=1000)
    received_s = float(row.get("received_s") or 0.0)
    return Seen(tags, digest_of(uids), len(uids), received_s, beside, quarantined.get(tags["SeriesInstanceUID"], 0), coming)


def digest_of(uids: Sequence[str]) -> str:
    """A name for the content of a series: one UID never stands for two contents, the archive sees to that."""
    return hashlib.sha256("\n".join(sorted(uids)).encode()).hexdigest()


def begin_now(desk: Desk) -> None:
    """Leaves what the archive held before the node had a book: it is for people to use, not for rules."""
    if not books.cursor(desk.book, BEGUN):
        past = desk.archive.arrivals(0.0, settle_s=0.0)
        books.move_cursor(desk.book, SINCE, max((float(row["received_s"]) for row in past), default=0.0))
        books.move_cursor(desk.book, BEGUN, 1.0)


def in_quarantine(archive: Archive) -> dict[str, int]:
    """How many objects of each series lie in quarantine."""
    counts: dict[str, int] = {}
    for row in archive.quarantined():
        counts[str(row["SeriesInstanceUID"])] = counts.get(str(row["SeriesInstanceUID"]), 0) + 1
    return counts


def _settle(desk: Desk, now_s: float) -> int:
    """Looks at what arrived since the cursor, which moves up to the first series that is still coming."""
    arrived = desk.archive.arrivals(books.cursor(desk.book, SINCE), settle_s=0.0)
    if not arrived:
        return 0
    settled = [row for row in arrived if _settled(desk.routing, row, now_s)]
    quarantined = in_quarantine(desk.archive) if settled else {}
    coming = _coming(desk, arrived, now_s)
    moved = sum(_met(desk, seen_in(desk.archive, row, quarantined, coming), now_s) for row in settled)
    moved += _asked_again(desk, now_s, {str(row["StudyInstanceUID"]) for row in settled})
    coming_s = min((float(row["received_s"]) for row in arrived if row not in settled), default=float("inf"))
    passed = [float(row["received_s"]) for row in settled if float(row["received_s"]) < coming_s]
    if passed:
        books.move_cursor(desk.book, SINCE, max(passed))
    return moved


def _coming(desk: Desk, arrived: Sequence[Mapping[str, Any]], now_s: float) -> frozenset[str]:
    """Series of which more may come."""
    return frozenset(str(row["SeriesInstanceUID"]) for row in arrived if not _settled(desk.routing, row, now_s))


def _settled(routing: Routing, row: Mapping[str, Any], now_s: float) -> bool:
    """Nothing came for a while, or as many objects are there as the rule expects."""
    if now_s - float(row["received_s"]) >= routing.settle_s:
        return True
    rule = chosen(routing.rules, {key: str(value or "") for key, value in row.items()}).rule
    return rule is not None and 0 < rule.objects <= int(row["instances"])


def _met(desk: Desk, seen: Seen, now_s: float) -> int:
    """Decides on a series that is new or grew; 0 for one that is known as it is."""
    before = books.known(desk.book, seen.series)
    if before and before.digest == seen.digest:
        return 0
    verdict, rules = decided(seen, desk.routing, desk.store)
    routed = routed_of(seen, verdict, rules)
    if before and before.act and before.state in (books.RUNNING, books.DONE, books.GROWN) and not _unused(desk, before):
        why = f"{seen.objects - before.objects} objects came after it was used ({before.act}): retract and observe again, or leave it"
        routed = replace(before, state=books.GROWN, digest=seen.digest, objects=seen.objects, received_s=seen.received_s, why=why)
    for name in sorted({name for rule in rules.forwards for name in rule.to}):
        desk.forward(desk.archive.files(seen.series), name)
    _keep(desk, now_s, routed)
    log.info("series of %d objects: %s %s", seen.objects, routed.state, routed.act)
    return 1


def _unused(desk: Desk, before: Routed) -> bool:
    """Whether its job had not begun when more objects came; then it is taken back, for one that will find them all."""
    if before.state != books.RUNNING or desk.jobs.state(before.job).state != "waiting":
        return False
    desk.jobs.cancel(before.job, ACTOR)
    return True


def _asked_again(desk: Desk, now_s: float, studies: Set[str] | None = None) -> int:
    """Series that were laid before a person for want of something that may have come: a series beside them (of `studies`), a twin.

    What a person stopped stays a person's.
    """
    waiting = [one for one in books.in_state(desk.book, books.ASKED) if one.act in ("observe", "new") and not one.job]
    quarantined, moved = in_quarantine(desk.archive) if waiting else {}, 0
    coming = _coming(desk, desk.archive.arrivals(books.cursor(desk.book, SINCE), settle_s=0.0), now_s) if waiting else NONE
    for one in waiting:
        rows = desk.archive.find("series", {"SeriesInstanceUID": one.series}, limit=1)
        if rows and (studies is None or one.study in studies):
            seen = seen_in(desk.archive, rows[0], quarantined, coming)
            after = replace(routed_of(seen, *decided(seen, desk.routing, desk.store)), received_s=one.received_s)
            if (after.state, after.why) != (one.state, one.why):
                _keep(desk, now_s, after)
                moved += 1
    return moved


def _keep(desk: Desk, now_s: float, routed: Routed) -> None:
    books.keep(desk.book, routed)
    worklist_series.noted(desk.book, routed, now_s)


def _begin(desk: Desk, now_s: float) -> int:
    """Gives what is due to a job. A crash between the two asks again: a series that was observed is never observed twice."""
    due = books.in_state(desk.book, books.WAITING, now_s)
    for routed in due:
        _keep(desk, now_s, _begun(desk, routed, now_s))
    return len(due)


def _begun(desk: Desk, routed: Routed, now_s: float) -> Routed:
    if done_by := made_by(desk.store, routed):
        return followed(routed, done_by, now_s)
    try:
        job = desk.jobs.submit(routed.act, routed.arguments, actor=ACTOR)
    except GemelError as error:
        return failed(desk.routing, routed, str(error), now_s)
    _taken_along(desk.book, routed)
    return replace(routed, state=books.RUNNING, job=job, due_s=now_s, why="")


def _taken_along(book: Database, routed: Routed) -> None:
    """Series beside it that no rule asked for by themselves: they are used with it."""
    named: Mapping[str, Sequence[str]] = routed.arguments.get("series", {})
    for uid in {uid for uids in named.values() for uid in uids} - {routed.series}:
        if (other := books.known(book, uid)) is not None and other.state == books.LEFT and not other.act:
            books.keep(book, replace(other, state=books.DONE, rule=routed.rule, why=f"used with the {routed.modality} series"))


def _follow(desk: Desk, now_s: float) -> int:
    """Looks how the jobs ended, and whether a person did what was asked of one."""
    moved = 0
    for routed in books.in_state(desk.book, books.RUNNING):
        after = _after(desk, routed, now_s)
        if after != routed:
            _keep(desk, now_s, after)
            moved += 1
    return moved + _persons_turn(desk, now_s)


def _persons_turn(desk: Desk, now_s: float) -> int:
    """Series that were laid before a person who has observed them since, or closed their step. The record is read when it has grown."""
    moved = 0
    if (head := desk.store.head()) not in desk.heads and not _making(desk):
        desk.heads[:] = [head]
        seen_by = observers(desk.store)
        for routed in [r for state in (books.ASKED, books.DEAD, books.LEFT) for r in books.in_state(desk.book, state)]:
            if routed.act in ("", "observe") and (done_by := seen_by.get(routed.series, "")):
                _keep(desk, now_s, replace(routed, state=books.DONE, act="observe", twin=done_by, why="a person saw to it"))
                moved += 1
        moved += _asked_again(desk, now_s)
    for routed in [r for state in PERSONS for r in books.in_state(desk.book, state) if worklist_series.closed(desk.book, r)]:
        books.keep(desk.book, replace(routed, state=books.LEFT, why=f"closed by a person: {routed.why}"))
        moved += 1
    return moved


def _making(desk: Desk) -> bool:
    """Whether a twin is being made just now, which may be about to observe what waits for it."""
    return any(job.verb == "new" and not job.over for job in desk.jobs.listed())


def _after(desk: Desk, routed: Routed, now_s: float) -> Routed:
    try:
        job = desk.jobs.state(routed.job)
    except UnknownError:  # forgotten with the jobs of a service that is gone: the record tells whether it was done
        return replace(routed, state=books.WAITING, due_s=now_s)
    if job.state == "done":
        return followed(routed, str(job.result.get("twin", routed.twin)), now_s)
    if job.state != "failed":
        return routed
    if job.error.startswith(STOPPED):
        return replace(routed, state=books.ASKED, why=job.error)
    return failed(desk.routing, routed, job.error, now_s)


def failed(routing: Routing, routed: Routed, why: str, now_s: float) -> Routed:
    """The series after an attempt that failed: again later, or given up."""
    attempts = routed.attempts + 1
    state = books.DEAD if attempts >= routing.attempts else books.WAITING
    return replace(routed, state=state, attempts=attempts, due_s=now_s + wait_s(routing, attempts), why=why)


def again(book: Database, series: str, now_s: float) -> Routed | None:
    """A series that was given up, to be tried anew; None when it is not one."""
    routed = books.known(book, series)
    if routed is None or routed.state != books.DEAD:
        return None
    books.keep(book, fresh := replace(routed, state=books.WAITING, attempts=0, due_s=now_s, why=""))
    return fresh
