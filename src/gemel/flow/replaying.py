"""`gemel twin replay`: is what the record says still what this code computes from the originals?"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from hashlib import sha256
from typing import Any

import numpy as np

from gemel import store as stores
from gemel.core.errors import GemelError
from gemel.core.forecast import Forecast
from gemel.core.packing import pack
from gemel.core.system import Progress, silent
from gemel.core.time import iso
from gemel.flow import registry
from gemel.flow.act import DRAWS as PART_DRAWS
from gemel.flow.decide import judged
from gemel.flow.new import planning
from gemel.flow.observe import asked_of, expected_of, rng_of, scores
from gemel.flow.originals import laid_out
from gemel.flow.pseudonymous_arrays import silenced
from gemel.flow.session import Session, belief_digest, day_of, lent, plan_of, rebuilt, record, scan_of
from gemel.flow.sources import read
from gemel.flow.standing import REPLACES
from gemel.store import Event, Recomputed, Replay, Store
from gemel.store.arrays import pack as as_bytes

QUICK = frozenset({"Forecast", "Assimilated"})


def replay(store: Store, twin_id: str, *, version: int | None = None, quick: bool = False, progress: Progress = silent) -> Replay:
    """Computes a twin again up to a version, event by event, and stops at the first that does not come out the same to the last bit.

    Cases and days from the original images, libraries, forecasts, beliefs, decisions, what was given; `quick`: forecasts and beliefs
    alone. Originals, choices and plans made within a time limit are looked at, not computed. Raises InputError for an unknown version.
    """
    total = version or store.version(twin_id)

    def again(event: Event) -> Recomputed | None:
        progress("events", event.version if event.twin == twin_id else 0, total)
        known = event.twin == twin_id and event.kind in AGAIN and "imported" not in event.payload
        return _again(store, event, progress) if known and (not quick or event.kind in QUICK) else None

    return stores.replay(store, twin_id, again, version=version)


def _again(store: Store, event: Event, progress: Progress) -> Recomputed | None:
    """What the event's computation gives this time; that it could not be done is a difference too."""
    try:
        return AGAIN[event.kind](store, event, progress)
    except GemelError as error:
        return Recomputed(event.outputs, {"computation": str(error)})


def before(store: Store, event: Event, until_s: float = np.inf, *, acts: bool = True) -> Session:
    """The twin as the record told of it just before an event was written, up to `until_s`, folded anew from the prior.

    With `acts`, what was observed at that very time is in, and what was given then is not; without, neither is.
    """
    known = [e for e in store.events(event.twin) if e.version < event.version]
    tainted = store.tainted(max(e.known_s for e in known))
    told = [e for e in known if e.valid_s < until_s or (e.valid_s == until_s and acts and e.kind != "Acted")]
    return rebuilt(store, tuple(told), tainted, fresh=True)


def _named(arrays: Mapping[str, Any], of: tuple[Store, Event] | None = None) -> str:
    """The hash that the arrays would have in the store; nothing is written. Without sentences if the twin's person was taken out."""
    told = [e.payload.get("imported", {}) for e in of[0].of_kind("Ingested", twin=of[1].twin)] if of else []
    return sha256(as_bytes(silenced(arrays) if any("deidentified" in t for t in told) else arrays)).hexdigest()


def _case(store: Store, event: Event, progress: Progress) -> Recomputed | None:
    """The case from the original files; None when the record does not tell how they were handed over."""
    asked = event.payload.get("asked")
    if not asked or "options" not in asked:
        return None
    given: dict[str, list[Any]] = {}
    with ExitStack() as stack:
        left = list(event.inputs)
        for kind, count in zip(asked["kinds"], asked["files"]):
            given.setdefault(kind, []).append(stack.enter_context(laid_out(store, left[:count])))
            left = left[count:]
        name = str(event.payload["system"])
        paths = [given.get(kind, []) for kind in registry.system(name).planning]
        made = planning(name, *paths, names=asked["names"], time=iso(event.valid_s), options=asked["options"])
    return Recomputed((_named(pack(made.case), (store, event)),))


def _day(store: Store, event: Event, progress: Progress) -> Recomputed | None:
    """What a scan shows, from its original files."""
    session = before(store, event)
    known = {e.hash for e in session.history}
    files = [name for name in event.inputs if name not in known]
    if not files:
        return None
    with laid_out(store, files, event.payload["source"].partition("#")[0]) as path:
        found = read(event.payload.get("input", session.system.scans[0]), path, asked_of(session))
        day = session.system.observe(session.case, found.value, progress)
    return Recomputed((_named(pack(day), (store, event)),))


def _library(store: Store, event: Event, progress: Progress) -> Recomputed:
    session = before(store, event, event.valid_s if REPLACES in event.payload else np.inf)
    made = lent(session, "prepare")(session.twin, session.case, len(event.payload["plans"]) - 1, event.payload["forecast_for_s"], progress)
    return Recomputed((_named(pack(made)),))


def _forecast(store: Store, event: Event, progress: Progress) -> Recomputed:
    session, for_s = before(store, event), event.payload["for_s"]
    if REPLACES in event.payload or for_s < session.twin.t_s:
        session = before(store, event, for_s, acts=False)
    return Recomputed((_named(dict(expected_of(session, for_s).values)),))


def _belief(store: Store, event: Event, progress: Progress) -> Recomputed:
    session = before(store, event, event.valid_s if REPLACES in event.payload else np.inf)
    seen = next(e for e in session.history if e.hash in event.inputs and e.kind == "Observed")
    ahead = next(e for e in store.events(event.twin) if e.hash == event.payload["forecast"])
    draws = store.artefacts.get_arrays(ahead.payload["forecast"])
    expected = Forecast(session.twin.model.name, ahead.payload["made_s"], ahead.payload["for_s"], (), draws)
    found = scores(expected, record((seen,)))  # type: ignore[arg-type]
    return Recomputed((), {"belief": belief_digest(session.twin.belief), **found})


def _decision(store: Store, event: Event, progress: Progress) -> Recomputed | None:
    """The draws and doses of every plan and their ranking; None for a ranking with a plan made on the day, which a search found."""
    known = {e.hash: e for e in store.events(event.twin)}
    if any(known[name].kind == "Adapted" for name in event.inputs[:2] if name in known):
        return None
    session = before(store, event, event.valid_s if REPLACES in event.payload else np.inf)
    scan = scan_of(session, event)
    stored = store.artefacts.get_arrays(event.payload["draws"])
    judgement, decision = judged(session, scan, len(next(iter(stored.values()))), progress=progress)
    draws = {f"{plan}/{name}": values for plan, f in judgement.forecasts.items() for name, values in f.values.items()}
    made = {event.payload["draws"]: _named(draws)}
    if event.payload["doses"]:
        names = store.artefacts.get_arrays(event.payload["doses"])
        made[event.payload["doses"]] = _named({name: judgement.doses_Gy[name].astype(np.float32) for name in names})
    return Recomputed(tuple(made[name] for name in event.outputs), {"recommended": decision.recommended})


def _given(store: Store, event: Event, progress: Progress) -> Recomputed | None:
    """What one part gave; None when the record does not say, or says it again."""
    session = before(store, event)
    if "part" not in event.payload or REPLACES in event.payload or session.system.deliver is None:
        return None
    decided = next(e for e in session.entries if e.hash == event.inputs[0])
    day, plan = day_of(session, scan_of(session, decided)), plan_of(session, event.payload["plan"])
    part = session.system.deliver(session.case, day, plan, draws=PART_DRAWS, rng=rng_of(session, 3))
    return Recomputed((_named(pack(part)),))


AGAIN: Mapping[str, Callable[[Store, Event, Progress], Recomputed | None]] = {
    "Ingested": _case,
    "Observed": _day,
    "Promoted": _library,
    "Forecast": _forecast,
    "Assimilated": _belief,
    "Decided": _decision,
    "Acted": _given,
}
