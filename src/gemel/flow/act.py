"""`gemel twin act`: the plan that a person chose and gave, and what it gave."""

from dataclasses import asdict
from typing import Any

from gemel.core.errors import InputError, StoreError
from gemel.core.packing import pack
from gemel.flow.observe import rng_of
from gemel.flow.session import Session, day_of, last_decision, open_session, plan_of, require_library, scan_of
from gemel.store import Event, Store

DRAWS = 24


def act(store: Store, twin_id: str, plan: str, *, actor: str = "", note: str = "", another: bool = False) -> Event:
    """Records that `plan` was given at the time of the newest decision, with the dose it gave where the system can tell.

    Raises InputError for a plan that was not among the options, and when something was given on that scan already, unless this is
    `another` fraction (two a day on one scan).
    """
    with store.lease(twin_id, actor):
        session = open_session(store, twin_id)
        names = tuple(session.system.plans(require_library(session)))
        decided = last_decision(session)
        if decided:
            names = tuple(dict.fromkeys((*names, *(option["name"] for option in decided.payload["options"]))))
        if plan not in names:
            raise InputError(f"no plan {plan!r}", where=twin_id, remedy=f"choose from {', '.join(names)}")
        if decided is None:
            raise StoreError("no decision to act on", where=twin_id, remedy=f"run: gemel twin decide {twin_id}")
        _require_new(session, decided, another)
        action = session.system.treat(plan, session.library, decided.valid_s, decided.hash)
        part = _part(session, decided, plan)
        payload = {"plan": plan, "recommended": decided.payload["recommended"], "note": note, "action": asdict(action), **part}
        return store.append(
            twin_id,
            "Acted",
            payload,
            valid_s=decided.valid_s,
            actor=actor,
            seed=session.twin.seed,
            inputs=(decided.hash,),
            outputs=tuple(part.values()),
            expected_version=session.version,
        )


def _part(session: Session, decided: Event, plan: str) -> dict[str, Any]:
    """The dose of this fraction or cycle in the planning frame, as an artefact; nothing for a system that cannot tell."""
    if session.system.deliver is None:
        return {}
    day = day_of(session, scan_of(session, decided))
    part = session.system.deliver(session.case, day, plan_of(session, plan), draws=DRAWS, rng=rng_of(session, 3))
    return {"part": session.store.artefacts.put_arrays(pack(part))}


def _require_new(session: Session, decided: Event, another: bool) -> None:
    given = [e for e in session.entries if e.kind == "Acted" and e.valid_s == decided.valid_s]
    if given and not another:
        found = f"{given[-1].payload['plan']}, given on this scan already"
        remedy = "observe the next scan first, or say that this is --another fraction on the same scan"
        raise InputError(found, where=session.id, remedy=remedy)
