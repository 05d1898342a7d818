"""`gemel twin check`: a plan calculated a second time by another method, and today held against what was forecast for it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from gemel.core.errors import InputError
from gemel.core.system import Deviation, Progress, Treated, Verification, silent
from gemel.flow.decide import deviations_of
from gemel.flow.session import Session, day_of, last_decision, lent, newest, open_session, plan_of, require_library, scan_of
from gemel.store import Event, Store

UNCERTAINTY = 0.02


def check(
    store: Store,
    twin_id: str,
    *,
    plan: str = "",
    known: Mapping[str, np.ndarray] | None = None,
    uncertainty: float = UNCERTAINTY,
    actor: str = "",
    progress: Progress = silent,
) -> Event:
    """The event with what a second calculation found on planning and on the newest scan's day, and today's deviations with their causes.

    `plan`: the recommended one if empty; `known`: numbers that the system understands about how the plan was given. Without a scan the
    plan is checked on planning alone. Raises StoreError before `prepare`, InputError for an unknown plan, and when none is named and
    nothing was decided yet.
    """
    with store.lease(twin_id, actor):
        session = open_session(store, twin_id)
        names = session.system.plans(require_library(session))
        second: Callable[..., tuple[Verification, ...]] = lent(session, "check")
        decided, scan = last_decision(session), newest(session.entries, "day")
        if not plan and decided is None:
            raise InputError("no plan named, and none decided on", where=twin_id, remedy=f"name one with --plan: {', '.join(names)}")
        plan = plan or (decided.payload["recommended"] if decided else "")
        made, day = plan_of(session, plan), day_of(session, scan) if scan else None
        found = second(session.case, day, made, seed=session.twin.seed, uncertainty=uncertainty, progress=progress)
        off = _deviations(session, decided, plan, known or {})
        payload = {
            "checked": plan,
            "found": [asdict(row) for row in found],
            "deviations": [asdict(row) for row in off],
            "known": {name: np.asarray(value).tolist() for name, value in (known or {}).items()},
        }
        sources = tuple(e.hash for e in (scan, decided) if e)
        return _append(session, payload, sources or (session.entries[0].hash,), scan, actor)


def _deviations(session: Session, decided: Event | None, plan: str, known: Mapping[str, np.ndarray]) -> tuple[Deviation, ...]:
    """Today's draws of the plan, from the decision, against the forecast; none before a decision or for a plan made today."""
    if decided is None or session.system.deviations is None or plan not in session.system.plans(session.library):
        return ()
    draws = session.store.artefacts.get_arrays(decided.payload["draws"])
    values = {name.partition("/")[2]: drawn for name, drawn in draws.items() if name.partition("/")[0] == plan}
    return deviations_of(session, scan_of(session, decided), Treated(plan, decided.valid_s, values, known))


def _append(session: Session, payload: dict[str, Any], sources: tuple[str, ...], scan: Event | None, actor: str) -> Event:
    return session.store.append(
        session.id,
        "Checked",
        payload,
        valid_s=scan.valid_s if scan else session.twin.t_s,
        actor=actor,
        seed=session.twin.seed,
        inputs=sources,
        expected_version=session.version,
    )
