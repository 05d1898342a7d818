"""`gemel twin adapt`: a plan made today from a stored one, judged like the others, and the options ranked again with it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from gemel.core.decision import decide as rank
from gemel.core.errors import StoreError
from gemel.core.forecast import Forecast
from gemel.core.packing import pack
from gemel.core.system import Adaptation, Effort, Judgement, Progress, silent
from gemel.core.time import iso
from gemel.flow.decide import Decided, flags, record_decision
from gemel.flow.ledger import require_trusted
from gemel.flow.observe import rng_of
from gemel.flow.session import Session, day_of, last_decision, lent, open_session, plan_of, require_library, scan_of
from gemel.store import Event, Store

SECONDS = 45.0


def adapt(
    store: Store,
    twin_id: str,
    *,
    start: str = "",
    seconds: float = SECONDS,
    override: str = "",
    actor: str = "",
    progress: Progress = silent,
) -> Decided:
    """The decision with the plan made today among its options. `start` names the plan it goes on from; the recommended one if empty.

    `seconds` of wall time go into making the plan; judging it takes a few more. Raises StoreError before a decision, InputError for an
    unknown plan or a system that cannot adapt, ConformanceError as `decide` does, unless a person gives a reason to `override`.
    """
    with store.lease(twin_id, actor):
        session = open_session(store, twin_id)
        require_library(session)
        make: Callable[..., Adaptation] = lent(session, "adapt")
        decided = last_decision(session)
        if decided is None:
            raise StoreError("no decision to adapt", where=twin_id, remedy=f"run: gemel twin decide {twin_id}")
        note = require_trusted(store, str(session.entries[0].payload["system"]), override, session.twin.model.version)
        scan = scan_of(session, decided)
        start = start or decided.payload["recommended"]
        plan, day = plan_of(session, start), day_of(session, scan)
        draws = len(next(iter(store.artefacts.get_arrays(decided.payload["draws"]).values())))
        effort = Effort(_name(session, scan), seconds, time.monotonic, draws, rng_of(session, 2))
        made = make(session.twin, session.case, day, plan, effort=effort, progress=progress)
        event = _adapted(session, (scan, decided), (effort.name, start), made, actor)
        return _ranked_again(session, (scan, decided, event), made, (actor, note))


def _name(session: Session, scan: Event) -> str:
    """adapted-2026-03-04, and -2, -3 for further ones of the same day."""
    day = f"adapted-{iso(scan.valid_s)[:10]}"
    taken = [e.payload["name"] for e in session.entries if e.kind == "Adapted"]
    count = sum(name == day or name.startswith(f"{day}-") for name in taken)
    return day if count == 0 else f"{day}-{count + 1}"


def _adapted(session: Session, sources: tuple[Event, Event], names: tuple[str, str], made: Adaptation, actor: str) -> Event:
    packed = session.store.artefacts.put_arrays(pack(made.plan))
    payload = {
        "name": names[0],
        "start": names[1],
        "plan": packed,
        "iterations": made.iterations,
        "status": made.status,
        "curve": [[round(s, 3), value] for s, value in made.curve.tolist()],
    }
    return session.store.append(
        session.id,
        "Adapted",
        payload,
        valid_s=sources[0].valid_s,
        actor=actor,
        seed=session.twin.seed,
        inputs=tuple(source.hash for source in sources),
        outputs=(packed,),
        expected_version=session.version,
    )


def _ranked_again(session: Session, sources: tuple[Event, Event, Event], made: Adaptation, said: tuple[str, str]) -> Decided:
    """All options of the decision and the new plan, on the draws they share. `said`: who decides, and a note for the reason."""
    scan, decided, event = sources
    arrays = session.store.artefacts.get_arrays
    forecasts = {**_forecasts(session, decided, arrays(decided.payload["draws"])), **made.judgement.forecasts}
    doses = {**arrays(decided.payload["doses"]), **made.judgement.doses_Gy}
    couch = {name: np.array(move) for name, move in decided.payload["couch_mm"].items()} | dict(made.judgement.couch_mm)
    judgement = Judgement(forecasts, doses, couch)
    decision = rank(forecasts, session.system.goal())
    decision = replace(decision, reason="; ".join(filter(None, (decision.reason, said[1]))))
    found = flags(session, scan, judgement, decision.recommended)
    return Decided(record_decision(session, (scan, event), judgement, decision, found, said[0]), decision, judgement)


def _forecasts(session: Session, decided: Event, draws: Mapping[str, np.ndarray]) -> dict[str, Forecast]:
    t_s, name = decided.valid_s, session.twin.model.name
    values: dict[str, dict[str, np.ndarray]] = {option["name"]: {} for option in decided.payload["options"]}
    for key, drawn in draws.items():
        plan, _, readout = key.partition("/")
        values[plan][readout] = drawn
    return {plan: Forecast(name, t_s, t_s, (session.system.treat(plan, session.library, t_s, ""),), v) for plan, v in values.items()}
