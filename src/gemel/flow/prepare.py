"""`gemel twin prepare`: forecast the anatomies to come and make the plan library for them."""

import time
from typing import Any

from gemel.core.digest import digest
from gemel.core.packing import pack
from gemel.core.system import Progress, silent
from gemel.flow.session import Session, lent, open_session
from gemel.flow.standing import evidence
from gemel.store import Event, Store


def prepare(store: Store, twin_id: str, *, k: int = 8, actor: str = "", progress: Progress = silent) -> Event:
    """The event that holds the library of `k` plans and the baseline. Takes minutes; another process on the same twin is refused."""
    with store.lease(twin_id, actor):
        session = open_session(store, twin_id)
        payload = library_payload(session, k, progress)
        return store.append(
            twin_id,
            "Promoted",
            payload,
            valid_s=session.twin.t_s,
            actor=actor,
            seed=session.twin.seed,
            inputs=evidence(session.entries),
            outputs=(payload["library"],),
            expected_version=session.version,
        )


def library_payload(session: Session, k: int, progress: Progress = silent) -> dict[str, Any]:
    """What a Promoted event says of a library of `k` plans and the baseline, made of what the twin expects of the next interval."""
    make, began = lent(session, "prepare"), time.perf_counter()
    t_s = session.twin.t_s + session.system.interval_s
    library = make(session.twin, session.case, k, t_s, progress)
    arrays = pack(library)
    return {
        "library": session.store.artefacts.put_arrays(arrays),
        "plans": list(session.system.plans(library)),
        "digest": digest(dict(arrays)),
        "forecast_for_s": t_s,
        "seconds": round(time.perf_counter() - began, 1),
    }
