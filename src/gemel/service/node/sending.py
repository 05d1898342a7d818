"""What lies in the outbox goes out: stored with patience, then answered for, destination by destination."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from gemel.core.errors import GemelError, PeerError
from gemel.service.node import commitment
from gemel.service.node import sending_outbox as out
from gemel.service.node.rules import Destination, Routing
from gemel.service.node.scu import Ours
from gemel.service.node.sending_outbox import DONE, STORED, WAITING, Outbox, Outgoing
from gemel.service.node.sending_store import Item, Sent, item_of, store
from gemel.service.node.sending_web import stow

REPORT_WITHIN_s = 600.0
"""A peer may answer for its storage on an association of its own; after so long it is asked again."""
HERE_s = 2.0
log = logging.getLogger(__name__)


Note = Callable[[Destination, Sequence[Outgoing], str], object]
"""Writes down that objects go to a destination, or went; raises what makes that impossible."""


def unheard(to: Destination, objects: Sequence[Outgoing], outcome: str) -> None:
    """A note that nobody takes."""


@dataclass(frozen=True)
class Post:
    """What sending works with: the outbox, the destinations with their patience, our side of an association, and the audit log's note."""

    outbox: Outbox
    routing: Routing
    ours: Ours
    here_s: float = HERE_s
    note: Note = unheard


def step(post: Post, now_s: float) -> int:
    """One turn over all destinations; how many objects moved."""
    return sum(_stored(post, to, now_s) + _committed(post, to, now_s) for to in post.routing.destinations)


def _stored(post: Post, to: Destination, now_s: float) -> int:
    waiting = out.due(post.outbox, to.name, WAITING, now_s)
    if not waiting:
        return 0
    post.note(to, waiting, "asked")  # before a byte leaves: what cannot be written down is not sent
    items = {one.uid: item for one in waiting if (item := _item(post.outbox, one)) is not None}
    sent: dict[str, Sent] = {}
    why = "its file is gone from the outbox"
    try:
        sent = {end.item.sop_instance_uid: end for end in _send(post, to, list(items.values()))}
    except PeerError as error:
        why = str(error)
    after = [_after_store(post.routing, to, one, sent.get(one.uid), why, now_s) for one in waiting]
    out.keep(post.outbox, *after)
    out.tidy(post.outbox, [one for one in after if one.state == DONE])
    stored = sum(one.state in (STORED, DONE) for one in after)
    post.note(to, after, f"{stored} of {len(after)} stored")
    log.info("%s: %d of %d objects stored", to.name, stored, len(after))
    return len(after)


def _item(outbox: Outbox, one: Outgoing) -> Item | None:
    path = outbox.path(one)
    return item_of(path) if path.is_file() else None


def _send(post: Post, to: Destination, items: Sequence[Item]) -> Sequence[Sent]:
    return stow(items, to.url) if to.url else store(items, to.peer, post.ours)


def _after_store(routing: Routing, to: Destination, one: Outgoing, end: Sent | None, why: str, now_s: float) -> Outgoing:
    if end is None or not end.stored:
        return out.failed(routing, one, end.why if end else why, now_s)
    return replace(one, state=STORED if to.commit else DONE, due_s=now_s, why=end.why, asked="")


def _committed(post: Post, to: Destination, now_s: float) -> int:
    """Asks for commitment of what was stored; who was asked in vain is asked again, and given up after as many attempts."""
    due = out.due(post.outbox, to.name, STORED, now_s)
    if not due:
        return 0
    silent = [out.failed(post.routing, one, "stored, but nobody answers for it", now_s) for one in due if one.asked]
    out.keep(post.outbox, *silent)
    asking = [one for one in due if not one.asked]
    if asking:
        _ask(post, to, asking, now_s)
    return len(due)


def _ask(post: Post, to: Destination, asking: Sequence[Outgoing], now_s: float) -> None:
    uid = f"2.25.{uuid4().int}"
    asked = [replace(one, asked=uid, due_s=now_s + REPORT_WITHIN_s) for one in asking]
    out.keep(post.outbox, *asked)  # before the request: its answer may come first
    references = [commitment.Reference(one.sop_class, one.uid) for one in asking]
    try:
        report = commitment.ask(references, to.peer, post.ours, transaction_uid=uid, wait_s=post.here_s)
    except GemelError as error:
        out.keep(post.outbox, *(out.failed(post.routing, one, str(error), now_s) for one in asking))
        return
    if report is not None:
        out.answered(post.outbox, report, post.routing, now_s)
