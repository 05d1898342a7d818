"""What was given so far: a fold over the record's actions."""

from typing import Any

from gemel.core.packing import unpack
from gemel.core.system import Delivered
from gemel.flow.session import Session


def delivered(session: Session) -> Delivered | None:
    """The sum of what each action gave; None before the first, or when the system cannot tell."""
    acted = sorted((e for e in session.entries if e.kind == "Acted" and "part" in e.payload), key=lambda e: (e.valid_s, e.version))
    if not acted or session.system.delivered is None or session.system.part is None:
        return None
    kind: Any = session.system.part
    parts = [unpack(kind, session.store.artefacts.get_arrays(entry.payload["part"])) for entry in acted]
    return session.system.delivered(session.case, parts)
