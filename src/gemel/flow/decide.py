"""`gemel twin decide`: every plan of the library on today's anatomy, ranked, with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from gemel.core import twin as twins
from gemel.core.decision import Decision
from gemel.core.decision import decide as rank
from gemel.core.errors import StoreError
from gemel.core.forecast import interval
from gemel.core.system import Deviation, Judgement, Progress, Treated, common_draws, silent
from gemel.core.twin import Twin
from gemel.flow.ledger import require_trusted
from gemel.flow.observe import rng_of
from gemel.flow.session import Session, day_of, lent, newest, open_session, record, require_library
from gemel.flow.standing import evidence
from gemel.store import Event, Store


@dataclass(frozen=True)
class Decided:
    """The event with the decision and the judgement behind it."""

    event: Event
    decision: Decision
    judgement: Judgement


def decide(store: Store, twin_id: str, *, actor: str = "", draws: int = 0, override: str = "", progress: Progress = silent) -> Decided:
    """Ranks every plan on the anatomy of the newest scan by forward dose.

    Raises StoreError before `prepare` and before the first scan, ConformanceError for a model whose forecasts in this record were not
    honest, unless a person gives a reason to `override` that.
    """
    with store.lease(twin_id, actor):
        session = open_session(store, twin_id)
        require_library(session)
        scan = newest(session.entries, "day")
        if scan is None:
            raise StoreError(
                "no scan to decide on", where=twin_id, remedy=f"run: gemel twin observe {twin_id} --{session.system.scans[0]} SCAN"
            )
        note = require_trusted(store, str(session.entries[0].payload["system"]), override, session.twin.model.version)
        judgement, decision = judged(session, scan, draws, note=note, progress=progress)
        found = flags(session, scan, judgement, decision.recommended)
        return Decided(record_decision(session, (scan, scan), judgement, decision, found, actor), decision, judgement)


def judged(session: Session, scan: Event, draws: int, *, note: str = "", progress: Progress = silent) -> tuple[Judgement, Decision]:
    """Every plan on the anatomy of a scan, and their ranking, with a note among its reasons; 0 draws: as many as the system asks for."""
    rng, day = rng_of(session, 2), day_of(session, scan)
    many = draws or session.system.draws
    judgement = session.system.judge(session.twin, session.case, session.library, day, draws=many, rng=rng, progress=progress)
    decision = rank(judgement.forecasts, session.system.goal())
    return judgement, replace(decision, reason="; ".join(filter(None, (decision.reason, note))))


def flags(session: Session, scan: Event, judgement: Judgement, plan: str) -> tuple[Deviation, ...]:
    """Where today lies outside what the twin before the scan forecast for a plan; none for a plan made today, or a system that lacks it."""
    if session.system.deviations is None or plan not in session.system.plans(session.library):
        return ()
    treated = Treated(plan, scan.valid_s, judgement.forecasts[plan].values, {})
    return deviations_of(session, scan, treated)


def deviations_of(session: Session, scan: Event, treated: Treated) -> tuple[Deviation, ...]:
    """Today's draws of a library's plan against the forecast of the twin as it was before the scan."""
    before = before_scan(session, scan)
    rng = common_draws(session.twin.seed, 4, len(before.record))
    compare: Any = lent(session, "deviations")
    found: tuple[Deviation, ...] = compare(before, session.case, session.library, day_of(session, scan), treated=treated, rng=rng)
    return found


def before_scan(session: Session, scan: Event) -> Twin:
    """The twin as it was just before a scan, with the library of today: emulators are no knowledge of the patient."""
    earlier = tuple(e for e in record(session.entries) if e.t_s < scan.valid_s)
    return twins.replay(session.twin, earlier)


def record_decision(
    session: Session, sources: tuple[Event, Event], judgement: Judgement, decision: Decision, found: Sequence[Deviation], actor: str
) -> Event:
    """Appends the decision; `sources`: its scan and the last event it follows from."""
    scan, payload = sources[0], decision_payload(session, sources[0], judgement, decision, found)
    return session.store.append(
        session.id,
        "Decided",
        payload,
        valid_s=scan.valid_s,
        actor=actor,
        seed=session.twin.seed,
        inputs=tuple(dict.fromkeys((*(source.hash for source in sources), *evidence(session.entries)))),
        outputs=made_of(payload),
        expected_version=max(session.version, sources[1].version),
    )


def made_of(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """The artefacts of a decision."""
    return tuple(filter(None, (payload["doses"], payload["draws"])))


def decision_payload(session: Session, scan: Event, judgement: Judgement, decision: Decision, found: Sequence[Deviation]) -> dict[str, Any]:
    """What a Decided event says; doses and draws are kept as artefacts."""
    fixed = session.system.plans(session.library)[-1]
    baseline = fixed if fixed in judgement.forecasts else list(judgement.forecasts)[-1]  # what is left of a course may name it otherwise
    made = (name for name in judgement.doses_Gy if name not in session.system.plans(session.library))
    names = dict.fromkeys((decision.recommended, baseline, *made))
    held = {name: judgement.doses_Gy[name].astype(np.float32) for name in names if name in judgement.doses_Gy}
    doses = session.store.artefacts.put_arrays(held) if held else ""
    draws = {f"{plan}/{name}": values for plan, f in judgement.forecasts.items() for name, values in f.values.items()}
    packed = session.store.artefacts.put_arrays(draws)
    return {
        "recommended": decision.recommended,
        "baseline": baseline,
        "reason": decision.reason,
        "options": [asdict(option) for option in decision.options],
        "readouts": {plan: {name: _summary(v) for name, v in f.values.items() if v.ndim == 1} for plan, f in judgement.forecasts.items()},
        "couch_mm": {plan: move.tolist() for plan, move in judgement.couch_mm.items()},
        "doses": doses,
        "draws": packed,
        "scan": scan.hash,
        "deviations": [asdict(deviation) for deviation in found],
    }


def _summary(values: np.ndarray) -> list[float]:
    low, high = interval(values)
    return [float(np.median(values)), float(low), float(high)]
