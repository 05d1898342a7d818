"""`gemel twin decide`: every plan of the library on today's anatomy, ranked, with the reason."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gemel.core.decision import Decision
from gemel.core.decision import decide as rank
from gemel.core.errors import StoreError
from gemel.core.forecast import interval
from gemel.core.packing import unpack
from gemel.core.system import Judgement, Progress, silent
from gemel.flow.observe import rng_of
from gemel.flow.session import Session, newest, open_session, require_library
from gemel.store import Event, Store

DRAWS = 24


@dataclass(frozen=True)
class Decided:
    """The event with the decision and the judgement behind it."""

    event: Event
    decision: Decision
    judgement: Judgement


def decide(store: Store, twin_id: str, *, actor: str = "", draws: int = DRAWS, progress: Progress = silent) -> Decided:
    """Ranks every plan on the anatomy of the newest scan by forward dose. Raises StoreError before `prepare` and before the first scan."""
    with store.lease(twin_id, actor):
        session = open_session(store, twin_id)
        library = require_library(session)
        scan = newest(session.entries, "day")
        if scan is None:
            raise StoreError("no scan to decide on", where=twin_id, remedy=f"run: gemel twin observe {twin_id} --cbct SCAN")
        day: Any = unpack(session.system.day, store.artefacts.get_arrays(scan.payload["day"]))
        judgement = session.system.judge(session.twin, session.case, library, day, draws=draws, rng=rng_of(session, 2), progress=progress)
        decision = rank(judgement.forecasts, session.system.goal())
        return Decided(_decided(session, scan, judgement, decision, actor), decision, judgement)


def _decided(session: Session, scan: Event, judgement: Judgement, decision: Decision, actor: str) -> Event:
    baseline = session.system.plans(session.library)[-1]
    names = dict.fromkeys((decision.recommended, baseline))
    doses = session.store.artefacts.put_arrays({name: judgement.doses_Gy[name].astype(np.float32) for name in names})
    draws = {f"{plan}/{name}": values for plan, f in judgement.forecasts.items() for name, values in f.values.items()}
    packed = session.store.artefacts.put_arrays(draws)
    payload = {
        "recommended": decision.recommended,
        "reason": decision.reason,
        "options": [asdict(option) for option in decision.options],
        "readouts": {plan: {name: _summary(v) for name, v in f.values.items() if v.ndim == 1} for plan, f in judgement.forecasts.items()},
        "couch_mm": {plan: move.tolist() for plan, move in judgement.couch_mm.items()},
        "doses": doses,
        "draws": packed,
        "scan": scan.hash,
    }
    return session.store.append(
        session.id,
        "Decided",
        payload,
        valid_s=scan.valid_s,
        actor=actor,
        seed=session.twin.seed,
        inputs=(scan.hash,),
        outputs=(doses, packed),
        expected_version=session.version,
    )


def _summary(values: np.ndarray) -> list[float]:
    low, high = interval(values)
    return [float(np.median(values)), float(low), float(high)]
