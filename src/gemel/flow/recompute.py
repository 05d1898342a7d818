"""`gemel twin recompute`: what a retraction took down is computed again from what still counts."""

from typing import Any

from gemel.core.system import Progress, silent
from gemel.flow.decide import decision_payload, flags, judged, made_of
from gemel.flow.observe import expected_of, forecast_payload, scores
from gemel.flow.prepare import library_payload
from gemel.flow.restate import restate
from gemel.flow.session import Session, belief_digest, open_session, rebuilt, record
from gemel.flow.standing import REPLACES, evidence, standing
from gemel.store import Event, Store

Old = tuple[Event, ...]
NOTE = "judged again after a retraction, among the plans of the library"


def recompute(store: Store, twin_id: str, *, actor: str = "", progress: Progress = silent) -> tuple[Event, ...]:
    """New events in place of those that rest on what was withdrawn, each naming what it replaces; nothing when all is well.

    Libraries, and scan by scan in the order of time: the forecast before it, the belief after it, the outcome, the decision on it.
    What was withdrawn itself, and what concerned only it, is not replaced; second calculations (`check`) are left to be asked for.
    """
    with store.lease(twin_id, actor):
        made = [*restate(store, twin_id, actor=actor)]
        made += _libraries(store, twin_id, actor, progress)
        scans = sorted((e for e in open_session(store, twin_id).entries if e.kind == "Observed"), key=lambda e: (e.valid_s, e.version))
        for done, scan in enumerate(scans):
            progress("scans", done, len(scans))
            made += _again(store, scan, actor, progress)
    return tuple(made)


def fallen(store: Store, twin_id: str, kind: str) -> Old:
    """Events of a kind that rest on what was withdrawn, in whose place nothing stands yet."""
    history, tainted = tuple(store.events(twin_id)), store.tainted()
    gone = {name for e in history if e.kind == "Retracted" for name in e.inputs}
    gone |= {name for e in standing(history, tainted) for name in e.payload.get(REPLACES, ())}
    return tuple(e for e in history if e.kind == kind and e.hash in tainted - gone)


def left(store: Store, twin_id: str) -> dict[str, int]:
    """How many events of each kind `recompute` would make again; none when all is well. What concerned only what was withdrawn is not."""
    if not store.tainted():
        return {}
    scans = [e for e in standing(tuple(store.events(twin_id)), store.tainted()) if e.kind == "Observed"]
    names = frozenset(name for scan in scans for name in _lineage(store, scan))
    found = {"Promoted": len(fallen(store, twin_id, "Promoted"))}
    found |= {kind: len(_about(fallen(store, twin_id, kind), names)) for kind in ("Assimilated", "Decided")}
    return {kind: n for kind, n in found.items() if n}


def at_scan(store: Store, scan: Event, *, before: bool = False, version: int | None = None) -> Session:
    """The twin as what counts now tells of it, when a scan had been observed and nothing done about it, or just before it.

    `version`: as the record was before that version was written.
    """
    history = [e for e in store.events(scan.twin) if version is None or e.version < version]
    known = [e for e in history if e.valid_s < scan.valid_s or (e.valid_s == scan.valid_s and not before and e.kind != "Acted")]
    return rebuilt(store, tuple(known), store.tainted(max(e.known_s for e in history)))


def _libraries(store: Store, twin_id: str, actor: str, progress: Progress) -> list[Event]:
    """The last library that fell, made again from what was believed at its time."""
    lost = fallen(store, twin_id, "Promoted")
    if not lost:
        return []
    session = open_session(store, twin_id, as_of_s=lost[-1].valid_s)
    payload = library_payload(session, len(lost[-1].payload["plans"]) - 1, progress)
    return [_append(session, "Promoted", (payload, session.twin.t_s), lost, evidence(session.entries), actor)]


def _again(store: Store, scan: Event, actor: str, progress: Progress) -> list[Event]:
    """What fell of all that concerns one scan."""
    names = _lineage(store, scan)
    made: list[Event] = []
    if beliefs := _about(fallen(store, scan.twin, "Assimilated"), names):
        made += _believed(store, scan, beliefs, actor)
        if outcomes := _about(fallen(store, scan.twin, "Outcome"), names):
            made += _came_back(store, scan, made[-1], outcomes, actor)
    if decisions := _about(fallen(store, scan.twin, "Decided"), names):
        made += _decided(store, scan, decisions, actor, progress)
    return made


def _lineage(store: Store, event: Event) -> frozenset[str]:
    """Hashes under which a fact was told before."""
    known, names, pending = {e.hash: e for e in store.events(event.twin)}, set[str](), [event.hash]
    while pending:
        names.add(name := pending.pop())
        pending += known[name].payload.get(REPLACES, ()) if name in known else ()
    return frozenset(names)


def _about(events: Old, names: frozenset[str]) -> Old:
    return tuple(e for e in events if names & ({e.payload["scan"]} if "scan" in e.payload else set(e.inputs)))


def _believed(store: Store, scan: Event, old: Old, actor: str) -> list[Event]:
    """Forecast and belief of a scan."""
    before, after = at_scan(store, scan, before=True), at_scan(store, scan)
    expected = expected_of(before, scan.valid_s)
    packed = store.artefacts.put_arrays(dict(expected.values))
    frozen = [e for e in fallen(store, scan.twin, "Forecast") if e.hash in {o.payload["forecast"] for o in old}]
    stated = (forecast_payload(before, expected, packed), expected.made_s)
    ahead = _append(before, "Forecast", stated, tuple(frozen), evidence(before.entries), actor)
    payload = {"belief": belief_digest(after.twin.belief), "forecast": ahead.hash, **scores(expected, record((scan,)))}  # type: ignore[arg-type]
    return [ahead, _append(after, "Assimilated", (payload, scan.valid_s), old, (scan.hash, ahead.hash), actor)]


def _came_back(store: Store, scan: Event, belief: Event, old: Old, actor: str) -> list[Event]:
    session = open_session(store, scan.twin)
    acted = [e for e in session.entries if e.kind == "Acted" and e.valid_s < scan.valid_s]
    if not acted:
        return []
    last = max(acted, key=lambda e: (e.valid_s, e.version))
    payload = {"plan": last.payload["plan"], "seen": scan.hash, "alarms": belief.payload["alarms"]}
    return [_append(session, "Outcome", (payload, scan.valid_s), old, (last.hash, scan.hash), actor)]


def _decided(store: Store, scan: Event, old: Old, actor: str, progress: Progress) -> list[Event]:
    """The decision on a scan, on as many draws as before; none while the library that it chose from is gone."""
    session = at_scan(store, scan)
    if session.library is None and session.system.prepare is not None:
        return []
    draws = len(next(iter(store.artefacts.get_arrays(old[-1].payload["draws"]).values())))
    judgement, decision = judged(session, scan, draws, note=NOTE, progress=progress)
    found = flags(session, scan, judgement, decision.recommended)
    payload = decision_payload(session, scan, judgement, decision, found)
    return [_append(session, "Decided", (payload, scan.valid_s), old, (scan.hash, *evidence(session.entries)), actor)]


def _append(session: Session, kind: str, stated: tuple[dict[str, Any], float], old: Old, inputs: tuple[str, ...], actor: str) -> Event:
    payload, valid_s = stated
    made = {"Forecast": "forecast", "Promoted": "library"}.get(kind, "")
    return session.store.append(
        session.id,
        kind,
        payload | {REPLACES: [e.hash for e in old]},
        valid_s=valid_s,
        actor=actor,
        seed=session.twin.seed,
        inputs=tuple(dict.fromkeys(inputs)),
        outputs=(payload[made],) if made else made_of(payload) if kind == "Decided" else (),
    )
