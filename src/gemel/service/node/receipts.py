"""What comes over DICOM, in the audit log: a row before the first object of each series is kept, one when the association ends.

A row an association and a series, not an object: 2,000 slices of one scan are one access. What cannot be written down is not kept.
"""

import logging
import time
from collections import Counter
from dataclasses import dataclass, field

from gemel.core.errors import StoreError
from gemel.io.prescan import Scanned
from gemel.service.node.receipts_refused import Refusals, row
from gemel.service.node.scp_request import COERCED, SUCCESS, Answer, Request
from gemel.service.security.audit import Audit, Entry
from gemel.service.security.subjects import subject_of_row

LOG = logging.getLogger("gemel.audit")
RECEIVE, COMMIT = "dicom:receive", "dicom:commit"
MOST = 1000  # subjects that one row names


@dataclass
class Receipt:
    """One association: who sends, what has been written down, and what became of the objects."""

    user: str
    host: str
    series: set[str] = field(default_factory=set)
    subjects: dict[str, None] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Receipts:
    """Those that are open, by the connection's number, and who was refused. key: of the pseudonyms."""

    audit: Audit
    key: bytes
    open: dict[int, Receipt] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=Refusals)


def begin(receipts: Receipts, request: Request) -> None:
    """Opens the receipt of a message's association; called in the thread that calls `end`, so that none is left over."""
    if request.line not in receipts.open:
        receipts.open[request.line] = _new(request)


def note(receipts: Receipts, request: Request, scanned: Scanned) -> None:
    """Writes a row, and waits for it, when a series begins to come. Raises StoreError: then nothing of it is to be kept."""
    receipt, series = receipts.open.get(request.line) or _new(request), scanned.series_instance_uid
    if series in receipt.series:
        return
    subject = subject_of_row(receipts.key, {**scanned.tags, "StudyInstanceUID": scanned.study_instance_uid})
    place = f"/studies/{scanned.study_instance_uid}/series/{series}"
    receipts.audit.now(Entry(receipt.user, RECEIVE, "begun", (subject,), peer=receipt.host, place=place))
    receipt.series.add(series)
    if len(receipt.subjects) < MOST:
        receipt.subjects[subject] = None


def note_question(receipts: Receipts, request: Request) -> None:
    """Writes a row, and waits for it, before a peer is told whether objects are held here. Raises StoreError."""
    receipt = _new(request)
    receipts.audit.now(Entry(receipt.user, COMMIT, "asked", peer=receipt.host, place=request.abstract_syntax))


def count(receipts: Receipts, request: Request, answer: Answer) -> None:
    """What became of an object; when its sender is gone the sum has been written already."""
    receipt = receipts.open.get(request.line)
    if receipt is not None:
        receipt.counts[{SUCCESS: "kept", COERCED: "in quarantine"}.get(answer.status, "refused")] += 1


def end(receipts: Receipts, line: int) -> None:
    """Writes what came of an association that has ended; one that brought nothing leaves no row."""
    receipt = receipts.open.pop(line, None)
    if receipt is None or not receipt.counts:
        return
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(receipt.counts.items()))
    entry = Entry(
        receipt.user, RECEIVE, "ended", tuple(receipt.subjects), peer=receipt.host, detail=f"{told}; {len(receipt.series)} series"
    )
    receipts.audit.write(entry).add_done_callback(lambda written: _complain(written.exception()))


def note_refusal(receipts: Receipts, calling: str, host: str) -> None:
    """Writes down that somebody who may not call was refused."""
    entry = row(receipts.refusals, calling, host, time.monotonic())
    if entry is not None:
        receipts.audit.write(entry).add_done_callback(lambda written: _complain(written.exception()))


def _new(request: Request) -> Receipt:
    return Receipt(f"{request.calling}@{request.host}", request.host)


def _complain(error: BaseException | None) -> None:
    """What has happened already could not be written down."""
    if isinstance(error, StoreError):
        LOG.error("%s", error)
