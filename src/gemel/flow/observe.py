"""`gemel twin observe`: forecast the scan, freeze the forecast, then look: register, measure, assimilate, check."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gemel import io
from gemel.core import twin as twins
from gemel.core.errors import IdentityError, InputError
from gemel.core.forecast import Forecast, forecast, interval
from gemel.core.packing import pack
from gemel.core.record import Observation
from gemel.core.surprise import is_alarm, surprise
from gemel.core.system import Progress, common_draws, silent
from gemel.core.time import iso, seconds
from gemel.devices.ct.twin.system import SYSTEM
from gemel.flow.scanner_noise import ScannerNoise, scanner_noise, widened
from gemel.flow.session import Session, belief_digest, open_session, record, row
from gemel.flow.sources import Asked, Source, keep, read
from gemel.flow.standing import evidence
from gemel.store import Event, Store

DRAWS = 2000
"""Draws of a frozen forecast; with 400 an honest model raised alarms on 2 % of scans instead of 1 %: tails end at the last draw."""


@dataclass(frozen=True)
class Scan:
    """What came in, read and checked against the twin, and the time it speaks of."""

    read: Source
    t_s: float
    kind: str


def observe(
    store: Store,
    twin_id: str,
    scan_path: Path,
    *,
    kind: str = "",
    time: str = "",
    actor: str = "",
    progress: Progress = silent,
    day: Any = None,
) -> Event:
    """The Assimilated event of one scan; a scan older than the last one is assimilated by replay, in time order.

    `kind` is one of the system's `scans`, the first unless stated; `day`: what the scan shows, where the system looked at it already.
    The forecast's draws are on the disk, named by their hash, before the image is looked at; events follow together when it is accepted.
    No event is written for a scan of another patient, without a time, observed before, older than the planning data, or that does not
    show what it should. Errors are multiplied by the noise of the scanner where its own twin is in the store (`flow.scanner_noise`).
    """
    with store.lease(twin_id, actor):
        session = open_session(store, twin_id)
        scan = read_scan(session, kind or session.system.scans[0], scan_path, time)
        before = open_session(store, twin_id, as_of_s=scan.t_s) if scan.t_s < session.twin.t_s else session
        expected = expected_of(before, scan.t_s)
        ahead, ahead_s = store.artefacts.put_arrays(dict(expected.values)), store.clock()
        if session.system.fits:
            session.system.fits(session.twin, session.case, scan.read.value)
        day = session.system.observe(session.case, scan.read.value, progress) if day is None else day
        if session.system.beside:
            session.system.beside(day, [e.payload["quality"] for e in session.entries if e.kind == "Observed"])
        noise = scanner_noise(store, scan.read.scanner, scan.t_s) if session.system.name != SYSTEM.name else None
        seen = widened(session.system.observations(day, scan.t_s, scan.read.name), noise)
        originals, packed = keep(store, *scan.read.files), store.artefacts.put_arrays(pack(day))
        with store.together():
            frozen = _freeze(session, expected, ahead, ahead_s, actor)
            observed = _observed(session, _seen_in(scan, day, seen, packed, noise), frozen, originals, scan.t_s, actor)
            return _assimilated(session, expected, seen, (frozen, observed), actor)


def expected_of(before: Session, t_s: float) -> Forecast:
    """What a twin expects to be seen at a time; the same draws whenever it is asked."""
    return forecast(before.twin, (), list(before.twin.model.observe), t_s, DRAWS, twins.generator(before.twin, 1))


def read_scan(session: Session, kind: str, path: Path, time: str) -> Scan:
    """The scan, checked against the twin: of its patient where the file tells, later than its start, not seen before."""
    if kind not in session.system.scans:
        raise InputError(f"a scan of kind {kind!r}", where=session.system.name, remedy=f"it observes {', '.join(session.system.scans)}")
    found = read(kind, path, asked_of(session))
    if found.identity is not None:
        expected = session.store.person(session.entries[0])
        if expected["patient_id"]:
            io.require_same_patient(io.Identity(expected["patient_id"], expected["issuer"]), found.identity, str(path))
    if not (time or found.acquired):
        raise InputError("a scan that states no time", where=str(path), remedy="state it with --time 2026-01-31T08:30")
    t_s = seconds(time or found.acquired)
    if t_s <= session.twin.start_s:
        raise InputError(
            f"a scan of {iso(t_s)}", where=str(path), remedy=f"it must be later than the twin's start ({iso(session.twin.start_s)})"
        )
    known = {entry.payload["source"]: entry for entry in session.entries if entry.kind == "Observed"}
    if found.name in known or any(entry.valid_s == t_s for entry in known.values()):
        raise IdentityError("a scan that the twin has observed already", where=str(path), remedy="give each scan its own time, once")
    return Scan(found, t_s, kind)


def asked_of(session: Session) -> Asked:
    """What the reader of a later scan needs to know of the twin."""
    asked = session.entries[0].payload.get("asked", {})
    return Asked(session.system, asked.get("names"), asked.get("options", {}), given=twins.given(session.twin))


def _freeze(session: Session, expected: Forecast, packed: str, known_s: float, actor: str) -> Event:
    """The forecast with the time at which it was on the disk."""
    return session.store.append(
        session.id,
        "Forecast",
        forecast_payload(session, expected, packed),
        valid_s=expected.made_s,
        known_s=known_s,
        actor=actor,
        seed=session.twin.seed,
        inputs=evidence(session.entries),
        outputs=(packed,),
        expected_version=session.version,
    )


def forecast_payload(session: Session, expected: Forecast, packed: str) -> dict[str, Any]:
    """What a Forecast event says; `version` is the model's."""
    ranges = {kind: [side.tolist() for side in interval(draws)] for kind, draws in expected.values.items()}
    made = {"made_s": expected.made_s, "for_s": expected.t_s, "version": session.twin.model.version}
    return {"forecast": packed, **made, "interval_90": ranges}


def _seen_in(scan: Scan, day: Any, seen: Sequence[Observation], packed: str, noise: ScannerNoise | None) -> dict[str, Any]:
    return {
        "source": scan.read.name,
        "input": scan.kind,
        "identity_checked": scan.read.identity is not None,
        **({"stated": dict(scan.read.stated)} if scan.read.stated else {}),
        **({"scanner": scan.read.scanner} if scan.read.scanner else {}),
        **({"scanner_noise": noise.payload} if noise else {}),
        "observations": [row(observation) for observation in seen],
        "day": packed,
        "quality": dict(day.quality),
        "notes": list(day.notes),
    }


def _observed(session: Session, payload: dict[str, Any], frozen: Event, originals: tuple[str, ...], t_s: float, actor: str) -> Event:
    return session.store.append(
        session.id,
        "Observed",
        payload,
        valid_s=t_s,
        actor=actor,
        inputs=(frozen.hash, *originals),
        outputs=(payload["day"],),
        expected_version=frozen.version,
    )


def _assimilated(session: Session, expected: Forecast, seen: Sequence[Observation], sources: tuple[Event, Event], actor: str) -> Event:
    """Belief after the scan, and the ledger's row: where what came lies in what was forecast."""
    frozen, observed = sources
    after = twins.assimilate(session.twin, record((observed,)))
    payload = {"belief": belief_digest(after.belief), "forecast": frozen.hash, **scores(expected, seen)}
    event = session.store.append(
        session.id,
        "Assimilated",
        payload,
        valid_s=observed.valid_s,
        actor=actor,
        seed=session.twin.seed,
        inputs=(observed.hash, frozen.hash),
        expected_version=observed.version,
    )
    acted = [entry for entry in session.entries if entry.kind == "Acted" and entry.valid_s < observed.valid_s]
    if not acted:
        return event
    outcome = {"plan": acted[-1].payload["plan"], "seen": observed.hash, "alarms": payload["alarms"]}
    session.store.append(session.id, "Outcome", outcome, valid_s=observed.valid_s, actor=actor, inputs=(acted[-1].hash, observed.hash))
    return event


def scores(expected: Forecast, seen: Sequence[Observation]) -> dict[str, Any]:
    """The ledger's part of an Assimilated event: ranks and CRPS of what came within what was forecast, and what was too unlikely."""
    checks = {o.kind: surprise(expected, o) for o in seen}
    return {
        "ranks": {kind: check.rank.tolist() for kind, check in checks.items()},
        "crps": {kind: check.crps.tolist() for kind, check in checks.items()},
        "alarms": sorted(kind for kind, check in checks.items() if is_alarm(check)),
    }


def rng_of(session: Session, stream: int) -> Any:
    """Generator of a verb at the twin's present step."""
    return common_draws(session.twin.seed, stream, len(session.twin.record))
