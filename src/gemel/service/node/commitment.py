"""Storage commitment (PS3.4 Annex J): a peer is asked to answer for what it was sent, and we answer for what we were sent."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from queue import Empty, Queue
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pynetdicom import evt

from gemel.core.errors import InputError, PeerError
from gemel.io.uids import require_uid
from gemel.service.node.rules import Peer
from gemel.service.node.scu import SUCCESS, Ours, associated, context, named, require_success

PUSH_MODEL, WELL_KNOWN = "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"
ASK, ALL_THERE, SOME_MISSING = 1, 1, 2
NO_SUCH_OBJECT, CLASS_CONFLICT = 0x0112, 0x0119
MOST_OBJECTS = 100_000
REASONS: Mapping[int, str] = {
    0x0110: "processing failure",
    0x0112: "no such object",
    0x0119: "class and instance do not agree",
    0x0122: "a class it does not support",
    0x0131: "a transaction that was used twice",
    0x0213: "out of resources",
}


@dataclass(frozen=True)
class Reference:
    """An object, named."""

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True)
class Report:
    """What was answered to a request: UIDs of the objects that are safe, and of those that are not, with the status that says why."""

    transaction_uid: str
    committed: tuple[Reference, ...]
    failed: tuple[tuple[Reference, int], ...] = ()


def ask(references: Sequence[Reference], peer: Peer, ours: Ours, *, transaction_uid: str, wait_s: float = 5.0) -> Report | None:
    """The peer's report where it gives one on this association within `wait_s`, else None: it will call us. Raises PeerError."""
    came: Queue[Report] = Queue()

    def reported(event: Any) -> tuple[int, None]:
        came.put(report_of(event.event_information))
        return SUCCESS, None

    mine = replace(ours, handlers=(*ours.handlers, (evt.EVT_N_EVENT_REPORT, reported)))
    with associated(peer, [context(PUSH_MODEL)], mine) as association:
        answer, _ = association.send_n_action(request_of(references, transaction_uid), ASK, PUSH_MODEL, WELL_KNOWN)
        require_success(answer, peer, "storage commitment")
        return _awaited(came, association, transaction_uid, wait_s)


def _awaited(came: "Queue[Report]", association: Any, transaction_uid: str, wait_s: float) -> Report | None:
    end_s = time.monotonic() + wait_s
    while association.is_established and (left_s := end_s - time.monotonic()) > 0:
        try:
            report = came.get(timeout=min(left_s, 0.1))
        except Empty:
            continue
        if report.transaction_uid == transaction_uid:
            return report
    return None


def deliver(report: Report, peer: Peer, ours: Ours) -> None:
    """Our report on an association that we open, as its provider (PS3.4 J.3.3, role selection). Raises PeerError."""
    mine = replace(ours, roles=(PUSH_MODEL,))
    with associated(peer, [context(PUSH_MODEL)], mine) as association:
        kind = SOME_MISSING if report.failed else ALL_THERE
        answer, _ = association.send_n_event_report(dataset_of(report), kind, PUSH_MODEL, WELL_KNOWN)
        require_success(answer, peer, "storage commitment report")


def judged(asked: Dataset, class_of: Callable[[str], str]) -> Report:
    """Our answer: safe is what we hold under that UID and class. `class_of` gives the class of what is durably held, "" for none."""
    transaction, references = requested(asked)
    ends = {reference: _status(reference, class_of(reference.sop_instance_uid)) for reference in references}
    safe = tuple(reference for reference, status in ends.items() if status == SUCCESS)
    return Report(transaction, safe, tuple((reference, status) for reference, status in ends.items() if status != SUCCESS))


def _status(reference: Reference, held_class: str) -> int:
    if not held_class:
        return NO_SUCH_OBJECT
    return SUCCESS if held_class == reference.sop_class_uid else CLASS_CONFLICT


def request_of(references: Sequence[Reference], transaction_uid: str) -> Dataset:
    """The action's information (PS3.4 table J.3-1)."""
    found = Dataset()
    found.TransactionUID = transaction_uid
    found.ReferencedSOPSequence = Items([_item(reference) for reference in references])
    return found


def requested(asked: Dataset) -> tuple[str, tuple[Reference, ...]]:
    """The transaction and the objects of a request. Raises InputError for one that names neither, or too many."""
    transaction, items = _uid(asked, "TransactionUID"), asked.get("ReferencedSOPSequence") or []
    if not items or len(items) > MOST_OBJECTS:
        found = f"a request for commitment of {len(items)} objects, transaction {transaction[:64]!r}"
        raise InputError(found, where="storage commitment", remedy=f"name a transaction and 1 to {MOST_OBJECTS} objects")
    return transaction, tuple(_reference(item) for item in items)


def dataset_of(report: Report) -> Dataset:
    """The event's information (PS3.4 table J.3-2); an empty sequence is left out."""
    found = Dataset()
    found.TransactionUID = report.transaction_uid
    if report.committed:
        found.ReferencedSOPSequence = Items([_item(reference) for reference in report.committed])
    if report.failed:
        found.FailedSOPSequence = Items([_item(reference, status) for reference, status in report.failed])
    return found


def report_of(found: Dataset) -> Report:
    """The report that an event's information holds."""
    failed = tuple((_reference(item), int(item.get("FailureReason") or 0x0110)) for item in found.get("FailedSOPSequence") or [])
    committed = tuple(_reference(item) for item in found.get("ReferencedSOPSequence") or [])
    return Report(_uid(found, "TransactionUID"), committed, failed)


def worded_reason(status: int) -> str:
    """Why an object is not safe, in words (PS3.3 C.14.1.1)."""
    return f"0x{status:04X}, {REASONS.get(status, 'a failure')}"


def no_peer(aet: str) -> PeerError:
    """Nobody can be told: the asker is not in the configuration."""
    return PeerError(f"no address of {aet!r}", where="storage commitment", remedy="name it as [[peer]] with aet, host and port")


def described(report: Report, peer: Peer) -> str:
    """One line for the log."""
    return f"{named(peer)}: {len(report.committed)} objects committed, {len(report.failed)} not"


def _item(reference: Reference, status: int | None = None) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = reference.sop_class_uid, reference.sop_instance_uid
    if status is not None:
        item.FailureReason = status
    return item


def _reference(item: Dataset) -> Reference:
    return Reference(_uid(item, "ReferencedSOPClassUID"), _uid(item, "ReferencedSOPInstanceUID"))


def _uid(item: Dataset, keyword: str) -> str:
    """A UID as it was written. Raises InputError for what is none: it is never looked for, nor said again."""
    element = item.get_item(keyword)
    raw = element.value if element is not None else ""
    text = (raw.decode("ascii", "replace") if isinstance(raw, bytes) else str(raw or "")).rstrip("\0 ")
    return require_uid(text, f"storage commitment, {keyword}")
