"""`gemel twin act`: the plan that a person chose and gave."""

from dataclasses import asdict

from gemel.core.errors import InputError, StoreError
from gemel.flow.session import newest, open_session, require_library
from gemel.store import Event, Store


def act(store: Store, twin_id: str, plan: str, *, actor: str = "", note: str = "") -> Event:
    """Records that `plan` was given at the time of the newest decision. Raises InputError for a plan that the library does not hold."""
    with store.lease(twin_id, actor):
        session = open_session(store, twin_id)
        names = tuple(session.system.plans(require_library(session)))
        if plan not in names:
            raise InputError(f"no plan {plan!r}", where=twin_id, remedy=f"choose from {', '.join(names)}")
        decided = newest(tuple(e for e in session.entries if e.kind == "Decided"), "recommended")
        if decided is None:
            raise StoreError("no decision to act on", where=twin_id, remedy=f"run: gemel twin decide {twin_id}")
        action = session.system.treat(plan, session.library, decided.valid_s, decided.hash)
        payload = {"plan": plan, "recommended": decided.payload["recommended"], "note": note, "action": asdict(action)}
        return store.append(
            twin_id, "Acted", payload, valid_s=decided.valid_s, actor=actor, inputs=(decided.hash,), expected_version=session.version
        )
