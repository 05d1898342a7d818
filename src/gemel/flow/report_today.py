"""Histograms of today held against what was forecast of them before the scan."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from gemel.core.forecast import Forecast, forecast
from gemel.core.image import Array
from gemel.core.twin import generator
from gemel.flow.session import Session, open_session, scan_of
from gemel.store import Event

DRAWS = 400


def ahead(session: Session, decided: Event, plan: str) -> dict[str, Array]:
    """Histogram draws of the plan as forecast before the scan, from the twin as it was then; none for a plan made today."""
    if plan not in session.system.plans(session.library):
        return {}
    scan_s = scan_of(session, decided).valid_s
    before = open_session(session.store, session.id, as_of_s=float(np.nextafter(scan_s, 0.0)))
    if before.library is None:
        before = session
    action = session.system.treat(plan, session.library, scan_s, "")
    names = [name for name in before.twin.model.readouts if name.startswith("DVH_")]
    expected: Forecast = forecast(before.twin, (action,), names, scan_s, DRAWS, generator(before.twin, 1))
    known = [option["name"] for option in decided.payload["options"]]
    return dict(expected.values) if plan in known else {}


def levels_Gy(draws: Mapping[str, Array]) -> Float[Array, "levels"]:
    """Doses, 1 Gy apart from zero, at which histograms are held."""
    return np.arange(next(iter(draws.values())).shape[1], dtype=float)
