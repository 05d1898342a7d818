"""What the twin of a scanner leaves unknown of its images: draws of ln d' over the baseline."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.devices.ct.choice import Doubt
from gemel.devices.ct.twin.readouts import departures
from gemel.devices.ct.twin.table import response
from gemel.devices.ct.twin.task import ln_dprime
from gemel.flow.observe import rng_of
from gemel.flow.scanner import require_scanner
from gemel.flow.session import Session, open_session
from gemel.store import Store

STREAM, DRAWS = 9, 2000


def doubt_of(store: Store, twin_id: str) -> Doubt:
    """The doubt of the method with that of this scanner as it stands. Raises InputError for a twin of no scanner."""
    return replace(Doubt(), scanner=ln_dprime_draws(require_scanner(open_session(store, twin_id))))


def ln_dprime_draws(session: Session) -> Float[Array, "draws"]:
    """ln d' of the scanner's reference lesion over that of the baseline, as believed after the newest check."""
    state, _ = session.twin.belief.draw(DRAWS, rng_of(session, STREAM))
    case = session.case
    return np.asarray(ln_dprime(departures(state), response(case.light, case.dense, case.exposure.kVp)))
