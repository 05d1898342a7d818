"""What the twin of a scanner says of another twin's scan on it: how much wider its errors are than at the scanner's baseline."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gemel.core.packing import unpack
from gemel.core.record import Observation
from gemel.devices.ct.twin.names import METRICS
from gemel.devices.ct.twin.readouts import departures
from gemel.devices.ct.twin.system import SYSTEM
from gemel.devices.ct.twin.table import response
from gemel.flow.session import Session, open_session
from gemel.store import Event, Store

DRAWS, SEED = 2000, 9
NOISE = ("ln_noise_centre_1", "ln_noise_edge_1")


@dataclass(frozen=True)
class ScannerNoise:
    """Noise over that of the baseline, root mean square over the belief of `twin` as of its event `event` (hash)."""

    twin: str
    event: str
    factor: float

    @property
    def payload(self) -> dict[str, Any]:
        """For the event of the scan."""
        return {"twin": self.twin, "event": self.event, "factor": self.factor}


def scanner_noise(store: Store, scanner: str, t_s: float) -> ScannerNoise | None:
    """Of the scanner of that name (maker, model, station, serial number) as believed at `t_s`; None where no twin of it is in the store."""
    known = [first for first in store.firsts() if scanner and first.valid_s <= t_s and _is_of(store, first, scanner)]
    if not known:
        return None
    session = open_session(store, known[-1].twin, as_of_s=t_s)
    return ScannerNoise(session.id, session.entries[-1].hash, noise_factor(session))


def noise_factor(session: Session) -> float:
    """√⟨(σ/σ₀)²⟩ of the image noise, mean of centre and edge in the logarithm, over the posterior of the scanner's state."""
    state, _ = session.twin.belief.draw(DRAWS, np.random.default_rng(SEED))
    case = session.case
    rows = response(case.light, case.dense, case.exposure.kVp)[[METRICS.index(name) for name in NOISE]]
    ln_noise = departures(state) @ rows.mean(axis=0)
    return float(np.sqrt(np.exp(2 * ln_noise).mean()))


def widened(seen: Sequence[Observation], noise: ScannerNoise | None) -> tuple[Observation, ...]:
    """Observations with their errors multiplied by the noise of the scanner; a scanner better than its baseline narrows nothing."""
    factor = max(noise.factor, 1.0) if noise else 1.0
    return tuple(replace(one, sd=one.sd * factor) for one in seen)


def _is_of(store: Store, first: Event, scanner: str) -> bool:
    """Whether a twin's first event began the twin of this scanner, and still stands."""
    if first.payload.get("system") != SYSTEM.name or first.hash in store.tainted():
        return False
    if store.of_kind("Erased", twin=first.twin):
        return False
    case: Any = unpack(SYSTEM.case, store.artefacts.get_arrays(first.payload["case"]))
    return bool(case.scanner == scanner)
