"""Every plan of the library on the anatomy of the day: forward dose, and what the uncertainty of the day leaves of it."""

import numpy as np
from jaxtyping import Float

from gemel.core.forecast import Forecast
from gemel.core.image import Array
from gemel.core.structures import Structures
from gemel.core.system import Judgement, Progress
from gemel.core.twin import Twin
from gemel.engines.registration.warp import pull_mask
from gemel.systems.prostate_radiotherapy.anatomy import flow
from gemel.systems.prostate_radiotherapy.case import Case, rsp_of
from gemel.systems.prostate_radiotherapy.dosimetry import curves, readouts
from gemel.systems.prostate_radiotherapy.library import Library, beamline
from gemel.systems.prostate_radiotherapy.model import coordinates, treat
from gemel.systems.prostate_radiotherapy.observe import Day
from gemel.systems.prostate_radiotherapy.plans import dose_Gy, matched
from gemel.systems.prostate_radiotherapy.state import to_vector


def judge(twin: Twin, case: Case, library: Library, day: Day, *, draws: int, rng: np.random.Generator, progress: Progress) -> Judgement:
    """Forward dose of every plan on the day's CT, the target brought to the plan's, and its readouts over draws of where all really is.

    Draws come from the twin's belief after the scan; they move the structures through a dose that stays (static dose cloud; van Herk
    2004, Semin Radiat Oncol 14:52), which holds for the millimetres that a registration leaves open.
    """
    rsp, line, doses, couch = rsp_of(day.ct, day.structures), beamline(case), {}, {}
    for i, plan in enumerate(library.plans):
        progress("doses of the day", i, len(library.plans))
        at = matched(plan, day.structures, line)
        doses[plan.name] = dose_Gy(plan, rsp, at)
        couch[plan.name] = line.isocentre_mm - at.isocentre_mm - day.setup_mm
    progress("doses of the day", len(library.plans), len(library.plans))
    state, params = twin.belief.draw(draws, rng)
    off = coordinates(twin.model.observe, state, params) - to_vector(day.state)
    rows: dict[str, list[dict[str, Array]]] = {name: [] for name in doses}
    for i, offset in enumerate(off):
        progress("uncertainty of the day", i, draws)
        structures = _moved(case, day.structures, offset)
        for name, dose in doses.items():
            rows[name].append({**{k: np.asarray(v) for k, v in readouts(dose, structures).items()}, **curves(dose, structures)})
    progress("uncertainty of the day", draws, draws)
    forecasts = {
        name: Forecast(twin.model.name, twin.t_s, twin.t_s, (treat(i, twin.t_s),), _stacked(rows[name])) for i, name in enumerate(rows)
    }
    return Judgement(forecasts, doses, couch)


def _moved(case: Case, structures: Structures, offset: Float[Array, "6"]) -> Structures:
    small = flow(case.modes, -offset)
    kept = {name: mask for name, mask in structures.masks.items() if name not in ("BODY", "FEMUR_L", "FEMUR_R")}
    return Structures(structures.grid, {name: pull_mask(mask, structures.grid, small) for name, mask in kept.items()})


def _stacked(rows: list[dict[str, Array]]) -> dict[str, Float[Array, "draws ..."]]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0] if all(name in row for row in rows)}
