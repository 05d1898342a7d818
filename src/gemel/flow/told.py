"""What the record tells, as the page of a system takes it."""

from gemel.core.page import Told
from gemel.flow.report_parts import ledger_rows
from gemel.flow.session import Session, day_of, last_decision


def told(session: Session) -> Told:
    """The twin, its case and library, its days in order of time, the ledger, and the newest decision with its draws."""
    decided = last_decision(session)
    scans = sorted((e for e in session.entries if e.kind == "Observed"), key=lambda e: (e.valid_s, e.version))
    return Told(
        session.twin,
        session.case,
        session.library,
        tuple((e.valid_s, day_of(session, e)) for e in scans),
        ledger_rows(session),
        decided.payload if decided else {},
        session.store.artefacts.get_arrays(decided.payload["draws"]) if decided else {},
    )
