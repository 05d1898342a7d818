"""Received series as work: one step for each that a rule asks something for, moved on by routing, closed by a person."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gemel.io.uids import content_uid
from gemel.service.node import routing_book as books
from gemel.service.node import worklist
from gemel.service.node.routing_book import Routed
from gemel.service.node.worklist import CANCELED, COMPLETED, FINAL, IN_PROGRESS, SCHEDULED, Workitem
from gemel.service.node.worklist_items import CLASS_UID, dataset
from gemel.service.security.database import Database

STATE_OF: Mapping[str, str] = {
    books.WAITING: SCHEDULED,
    books.RUNNING: IN_PROGRESS,
    books.DONE: COMPLETED,
    books.ASKED: SCHEDULED,
    books.GROWN: SCHEDULED,
    books.DEAD: SCHEDULED,
    books.LEFT: CANCELED,
}
"""What was given up waits again: for a person."""
WORKLIST = "gemel"


def noted(book: Database, routed: Routed, now_s: float) -> Workitem | None:
    """The step of a series as it now stands; None for one that no rule asked anything for."""
    if not routed.act and routed.state in (books.LEFT, books.DONE):
        return None
    uid, state = uid_of(routed.series), STATE_OF[routed.state]
    lock = content_uid("transaction", routed.series) if state == IN_PROGRESS else ""
    return worklist.keep(book, Workitem(uid, state, lock, routed.series, says(routed, state), now_s))


def closed(book: Database, routed: Routed) -> bool:
    """Whether a person ended the step of a series that was laid before them."""
    found = worklist.find(book, uid_of(routed.series))
    return found is not None and found.state in FINAL


def uid_of(series: str) -> str:
    """The step's UID: the same whenever it is noted."""
    return content_uid("workitem", series)


def says(routed: Routed, state: str) -> dict[str, Any]:
    """The step's attributes (PS3.3 C.30)."""
    label = f"{routed.act or 'look at'} {routed.modality} series" + (f": {routed.why}" if routed.why else "")
    return dataset(
        SOPClassUID=CLASS_UID,
        SOPInstanceUID=uid_of(routed.series),
        PatientID=routed.patient_id,
        IssuerOfPatientID=routed.issuer,
        StudyInstanceUID=routed.study,
        ProcedureStepState=state,
        ScheduledProcedureStepPriority="HIGH" if routed.state in (books.ASKED, books.GROWN, books.DEAD) else "MEDIUM",
        ProcedureStepLabel=label[:64],
        WorklistLabel=WORKLIST,
        ScheduledProcedureStepStartDateTime=datetime.fromtimestamp(routed.received_s, UTC).strftime("%Y%m%d%H%M%S+0000"),
        InputReadinessState="READY",
        CommentsOnTheScheduledProcedureStep=routed.why[:1024],
    )
