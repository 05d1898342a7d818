"""`gemel twin act`: the plan that a person chose and gave, and what it gave."""

import math
from dataclasses import asdict, replace
from typing import Any

from gemel.core import twin as twins
from gemel.core.errors import InputError, StoreError
from gemel.core.packing import pack
from gemel.core.record import Action
from gemel.core.time import iso, seconds
from gemel.flow.observe import rng_of
from gemel.flow.session import Session, day_of, given_on, last_decision, open_session, plan_of, require_library, scan_of
from gemel.store import Event, Store

DRAWS = 24


def act(
    store: Store,
    twin_id: str,
    plan: str,
    *,
    actor: str = "",
    note: str = "",
    another: bool = False,
    time: str = "",
    amount: float | None = None,
) -> Event:
    """Records that `plan` was given, when due and as much as planned unless told otherwise: `time` in ISO 8601, `amount` in its unit.
    Of a plan of unlike parts the next is recorded.

    Due is the time of the newest decision, or what the system says. The dose of the part is kept where the system can tell it. Raises
    InputError for a plan that was not among the options, a time before the twin's start, an amount that is no number from 0 or that the
    model refuses, and when something was given on that decision's scan already, unless this is `another` fraction (two a day on one scan).
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
        action = given_as(session, _planned(session, decided, plan), time, amount)
        require_possible(session, action)
        part = _part(session, decided, plan)
        payload = {"plan": plan, "recommended": decided.payload["recommended"], "note": note, "action": asdict(action), **part}
        return store.append(
            twin_id,
            "Acted",
            payload,
            valid_s=action.t_s,
            actor=actor,
            seed=session.twin.seed,
            inputs=(decided.hash,),
            outputs=tuple(part.values()),
            expected_version=session.version,
        )


def due_s(session: Session, decided: Event, plan: str) -> float:
    """When the plan's next part is due."""
    return session.system.due(session.twin, session.case, plan) if session.system.due else decided.valid_s


def _planned(session: Session, decided: Event, plan: str) -> Action:
    """The plan's next part: the one after those that were given on this decision. InputError where the plan has no more."""
    first = session.system.treat(plan, session.library, due_s(session, decided, plan), decided.hash)
    if session.system.follow is None:
        return first
    n = sum(entry.kind == "Acted" and decided.hash in entry.inputs for entry in session.entries)
    return session.system.follow(session.twin, session.case, plan, first, n)


def given_as(session: Session, planned: Action, time: str, amount: float | None) -> Action:
    """What was given, where it was not as planned. Raises InputError."""
    t_s = seconds(time) if time else planned.t_s
    if t_s < session.twin.start_s:
        remedy = f"it must be later than the twin's start ({iso(session.twin.start_s)})"
        raise InputError(f"something given at {iso(t_s)}", where=session.id, remedy=remedy)
    if amount is not None and session.system.deliver is not None:
        remedy = "adapt the plan instead: gemel twin adapt"
        raise InputError("an amount beside a plan that says itself how much", where=session.system.name, remedy=remedy)
    if amount is not None and not (math.isfinite(amount) and amount >= 0):
        raise InputError(f"an amount of {amount} {planned.unit}", where=session.id, remedy="state a number from 0")
    return replace(planned, t_s=t_s, amount=planned.amount if amount is None else float(amount))


def require_possible(session: Session, action: Action) -> None:
    """The model's dynamics run once with what was given, before it is stored: what they refuse would close the twin for good."""
    twin, rng = session.twin, rng_of(session, 5)
    state, params = twin.belief.draw(2, rng)
    twin.model.dynamics(state, params, (*twins.given(twin), action), twin.t_s, max(twin.t_s, action.t_s) + 1.0, rng)


def _part(session: Session, decided: Event, plan: str) -> dict[str, Any]:
    """The dose of this fraction or cycle in the planning frame, as an artefact; nothing for a system that cannot tell."""
    if session.system.deliver is None:
        return {}
    day = day_of(session, scan_of(session, decided))
    part = session.system.deliver(session.case, day, plan_of(session, plan), draws=DRAWS, rng=rng_of(session, 3))
    return {"part": session.store.artefacts.put_arrays(pack(part))}


def _require_new(session: Session, decided: Event, another: bool) -> None:
    given = given_on(session, decided)
    if given and not another:
        found = f"{given[-1].payload['plan']}, given on this scan already"
        remedy = "observe the next scan first, or say that this is --another fraction on the same scan"
        raise InputError(found, where=session.id, remedy=remedy)
