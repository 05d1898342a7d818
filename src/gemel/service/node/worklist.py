"""Unified Procedure Steps (PS3.4 Annex CC): work that waits, is being done, is done, with who holds it. Kept in the node's book."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gemel.core.errors import ConflictError, InputError, UnknownError
from gemel.io.uids import is_uid
from gemel.service.node.rules_match import like
from gemel.service.node.worklist_items import CLASS_UID, REQUIRED, TRANSACTION, UPS, missing, tag_of, text_of, value, with_text
from gemel.service.security.database import Database

SCHEDULED, IN_PROGRESS, COMPLETED, CANCELED = STATES = ("SCHEDULED", "IN PROGRESS", "COMPLETED", "CANCELED")
FINAL = (COMPLETED, CANCELED)
NEXT: Mapping[str, tuple[str, ...]] = {SCHEDULED: (IN_PROGRESS,), IN_PROGRESS: FINAL, COMPLETED: (), CANCELED: ()}
MOST = 5000
WHOSE = ("PatientID", "IssuerOfPatientID")


@dataclass(frozen=True)
class Workitem:
    """One step: `says` is its DICOM JSON without the lock; `lock` the transaction of whoever works on it; `series`: what it came from."""

    uid: str
    state: str
    lock: str
    series: str
    says: Mapping[str, Any]
    changed_s: float = 0.0

    @property
    def patient(self) -> tuple[str, str]:
        """PatientID and its issuer, as it states them."""
        return text_of(self.says, "PatientID"), text_of(self.says, "IssuerOfPatientID")


def create(book: Database, uid: str, says: Mapping[str, Any], *, series: str = "", now_s: float) -> Workitem:
    """A new step, SCHEDULED. Raises InputError for what may not be missing or said, ConflictError for a UID that is taken."""
    uid = uid or text_of(says, "SOPInstanceUID") or f"2.25.{secrets.randbits(122)}"
    if not is_uid(uid):
        raise InputError(f"a UID {uid[:80]!r}", where="workitem", remedy="give digits and dots, at most 64 (PS3.5 §9.1)")
    if lacking := missing(says, REQUIRED):
        raise InputError(f"no {lacking[0]}", where="workitem", remedy=f"state {', '.join(REQUIRED)} (PS3.4 table CC.2.5-3)")
    if text_of(says, "ProcedureStepState") != SCHEDULED:
        raise InputError("a state that is not SCHEDULED", where="workitem", remedy="create it SCHEDULED, then change its state")
    if find(book, uid) is not None:
        raise ConflictError("a workitem that is there already", where=uid, remedy="give another UID, or update it")
    told = with_text(with_text(dict(says), "SOPInstanceUID", uid), "SOPClassUID", CLASS_UID)
    return keep(book, Workitem(uid, SCHEDULED, "", series, told, now_s))


def change(book: Database, uid: str, state: str, transaction: str, *, now_s: float) -> Workitem:
    """The step in its next state (PS3.4 table CC.1.1-2). The transaction that claims it is needed to change or end it."""
    found = require(book, uid)
    if state not in STATES[1:]:
        raise InputError(f"a state {state[:40]!r}", where=uid, remedy=f"ask for {', '.join(STATES[1:])}")
    if not is_uid(transaction):
        raise InputError("no Transaction UID", where=uid, remedy="make one when you claim it, and give it with every change")
    if state not in NEXT[found.state]:
        raise ConflictError(f"{state} for a step that is {found.state}", where=uid, remedy=f"from there: {_or(NEXT[found.state])}")
    if found.lock and found.lock != transaction:
        raise _locked(uid)
    if state == COMPLETED and (lacking := unfinished(found.says)):
        raise ConflictError(f"a step without {lacking}", where=uid, remedy="update it with what was done, then complete it")
    said = with_text(dict(found.says), "ProcedureStepState", state)
    return keep(book, replace(found, state=state, lock=transaction, says=said, changed_s=now_s))


def update(book: Database, uid: str, says: Mapping[str, Any], transaction: str, *, now_s: float) -> Workitem:
    """The step with other attributes; those of its identity and state are changed by their own requests."""
    found = require(book, uid)
    if found.state in FINAL:
        raise ConflictError(f"a step that is {found.state}", where=uid, remedy="make a new one")
    if found.state == IN_PROGRESS and found.lock != transaction:
        raise _locked(uid)
    fixed = [name for name in ("SOPInstanceUID", "SOPClassUID", "ProcedureStepState", "TransactionUID") if value(says, name)]
    fixed += [name for name in WHOSE if tag_of(name) in says]  # also an empty one: whose it is would be another's, or nobody's
    if fixed:
        raise InputError(f"{fixed[0]}", where=uid, remedy="leave it out: it cannot be changed by an update")
    return keep(book, replace(found, says={**found.says, **says}, changed_s=now_s))


def cancel(book: Database, uid: str, reason: str, *, now_s: float) -> Workitem:
    """The step CANCELED where nobody has begun it. Raises ConflictError for one in somebody's hands, or ended."""
    found = require(book, uid)
    if found.state == CANCELED:
        return found
    if found.state != SCHEDULED:
        raise ConflictError(f"a step that is {found.state}", where=uid, remedy="ask who works on it to cancel it")
    said = with_text(dict(found.says), "ProcedureStepState", CANCELED)
    said = with_text(said, "ReasonForCancellation", reason[:64]) if reason else said
    return keep(book, replace(found, state=CANCELED, says=said, changed_s=now_s))


def search(book: Database, filters: Mapping[str, str], *, limit: int, offset: int) -> Sequence[Workitem]:
    """Steps whose attributes match all filters, in the order of their last change, the newest first. Raises InputError."""
    strange = [name for name in filters if name not in UPS]
    if strange:
        raise InputError(f"matching by {strange[0][:40]!r}", where="workitems", remedy=f"match by {', '.join(UPS)}")
    found = [one for one in everything(book) if all(like(text_of(one.says, name), text) for name, text in filters.items())]
    return found[offset : offset + limit]


def unfinished(says: Mapping[str, Any]) -> str:
    """What a step needs before it may be COMPLETED (PS3.4 table CC.2.5-3, final state), "" when nothing is missing."""
    performed = value(says, "UnifiedProcedureStepPerformedProcedureSequence")
    if not performed or not isinstance(performed[0], Mapping):
        return "UnifiedProcedureStepPerformedProcedureSequence"
    wanted = ("PerformedProcedureStepStartDateTime", "PerformedProcedureStepEndDateTime")
    return next(iter(missing(performed[0], wanted)), "")


def find(book: Database, uid: str) -> Workitem | None:
    """The step of that UID."""
    rows = book.select("SELECT uid, state, lock, series, says, changed_s FROM workitem WHERE uid = ?", (uid,))
    return _workitem(rows[0]) if rows else None


def require(book: Database, uid: str) -> Workitem:
    """The step of that UID. Raises UnknownError."""
    found = find(book, uid)
    if found is None:
        raise UnknownError(f"no workitem {uid[:64]!r}", where="workitems", remedy="search for it: GET /dicom-web/workitems")
    return found


def everything(book: Database) -> list[Workitem]:
    """The steps that changed last, the newest first."""
    rows = book.select("SELECT uid, state, lock, series, says, changed_s FROM workitem ORDER BY changed_s DESC LIMIT ?", (MOST,))
    return [_workitem(row) for row in rows]


def keep(book: Database, item: Workitem) -> Workitem:
    """Notes a step durably, in place of what was known of it."""
    says = {tag: told for tag, told in item.says.items() if tag != TRANSACTION}
    values = (item.uid, item.state, item.lock, item.series, "", item.changed_s, json.dumps(says))
    with book.change() as connection:
        connection.execute("INSERT OR REPLACE INTO workitem VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    return item


def _workitem(row: Sequence[Any]) -> Workitem:
    uid, state, lock, series, says, changed_s = row
    return Workitem(uid, state, lock, series, json.loads(says), changed_s)


def _locked(uid: str) -> ConflictError:
    return ConflictError("a step in other hands", where=uid, remedy="give the Transaction UID with which it was claimed")


def _or(states: Sequence[str]) -> str:
    return " or ".join(states) or "nowhere: it has ended"
