"""Every plan of the library on the anatomy of the day: forward dose, and what the uncertainty of the day leaves of it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from gemel.core.forecast import Forecast
from gemel.core.image import Array
from gemel.core.system import Judgement, Progress
from gemel.core.twin import Twin
from gemel.engines.registration.warp import pull
from gemel.systems.prostate_radiotherapy.anatomy import flow
from gemel.systems.prostate_radiotherapy.block import around
from gemel.systems.prostate_radiotherapy.case import Case, rsp_of
from gemel.systems.prostate_radiotherapy.dosimetry import curves, readouts
from gemel.systems.prostate_radiotherapy.library import Library, beamline
from gemel.systems.prostate_radiotherapy.model import coordinates, treat
from gemel.systems.prostate_radiotherapy.observe import Day
from gemel.systems.prostate_radiotherapy.plans import PlanOfLibrary, dose_Gy, matched
from gemel.systems.prostate_radiotherapy.state import to_vector


def judge(twin: Twin, case: Case, library: Library, day: Day, *, draws: int, rng: np.random.Generator, progress: Progress) -> Judgement:
    """Every plan of the library on the day's CT, see `judged`."""
    return judged(twin, case, library.plans, day, draws=draws, rng=rng, progress=progress)


def judged(
    twin: Twin, case: Case, plans: Sequence[PlanOfLibrary], day: Day, *, draws: int, rng: np.random.Generator, progress: Progress
) -> Judgement:
    """Forward dose of every plan on the day's CT, the target brought to the plan's, and its readouts over draws of where all really is.

    Draws come from the twin's belief after the scan; each moves tissue p to p + w(p) in a dose that stays (static dose cloud; van Herk
    2004, Semin Radiat Oncol 14:52), so tissue sees dose(p + w(p)). That holds for the millimetres a registration leaves open.
    """
    rsp, line, doses, couch = rsp_of(day.ct, day.structures), beamline(case), {}, {}
    for i, plan in enumerate(plans):
        progress("doses of the day", i, len(plans))
        at = matched(plan, day.structures, line)
        doses[plan.name] = dose_Gy(plan, rsp, at)
        couch[plan.name] = line.isocentre_mm - at.isocentre_mm - day.setup_mm
    progress("doses of the day", len(plans), len(plans))
    state, params = twin.belief.draw(draws, rng)
    off = coordinates(twin.model.observe, state, params) - to_vector(day.state)
    near, local = around(day.structures, doses)
    rows: dict[str, list[dict[str, Array]]] = {name: [] for name in doses}
    for i, offset in enumerate(off):
        progress("uncertainty of the day", i, draws)
        push = flow(case.modes, offset)
        for name, dose in local.items():
            seen = pull(dose, push).array
            rows[name].append({**{k: np.asarray(v) for k, v in readouts(seen, near).items()}, **curves(seen, near)})
    progress("uncertainty of the day", draws, draws)
    forecasts = {
        name: Forecast(twin.model.name, twin.t_s, twin.t_s, (treat(i, twin.t_s),), _stacked(rows[name])) for i, name in enumerate(rows)
    }
    return Judgement(forecasts, doses, couch)


def _stacked(rows: list[dict[str, Array]]) -> dict[str, Float[Array, "draws ..."]]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0] if all(name in row for row in rows)}
