"""All schedules forecast on the same draws, and the front between risk of early progression and dose.

Chaudhuri et al. 2023, Front Artif Intell 6:1222612: the dose of each of six weeks is chosen, risk is a superquantile, cost the total dose.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.systems.glioma.course import PROGRESSED, HORIZON_d, law_of, ln_kill
from gemel.systems.glioma.events import FRACTIONS, Setting, late_BED_Gy
from gemel.systems.glioma.growth import DRUG_1_d, daily
from gemel.systems.glioma.schedules import Schedule
from gemel.systems.glioma.search_kernel import progressions
from gemel.systems.glioma.superquantile import LEVEL, worst_mean


@dataclass(frozen=True)
class Searched:
    """Schedules with dose, late effect in brain, and days to progression by draw."""

    fraction_Gy: Float[Array, "schedules weeks"]
    total_Gy: Float[Array, "schedules"]
    brain_BED_Gy: Float[Array, "schedules"]
    progression_d: Float[Array, "schedules draws"]


@dataclass(frozen=True)
class Front:
    """For each total dose, ascending, the schedule of the best superquantile of time to progression, as rows of a search."""

    rows: tuple[int, ...]
    total_Gy: Float[Array, "doses"]
    worst_d: Float[Array, "doses"]


def search(setting: Setting, state: State, params: Params, fraction_Gy: Float[Array, "schedules weeks"]) -> Searched:
    """Days from the first fraction to progression of every schedule, weeks begun now without a pause, exactly as `course` has them."""
    levels, index = np.unique(fraction_Gy, return_inverse=True)
    law, draws = law_of(params), len(state["burden_mL"])
    begun = state["start_s"] >= 0
    limit = 1.0 / (PROGRESSED * np.where(begun, state["start_mL"], state["burden_mL"]))
    found = np.empty((len(fraction_Gy), draws))
    progressions(
        np.ascontiguousarray(index.reshape(fraction_Gy.shape)),
        np.stack([1.0 / state["burden_mL"], limit]),
        np.stack([np.exp(ln_kill(params, float(d))) for d in levels]),
        np.stack([_day(setting, params, float(d)) for d in levels]),
        np.stack([law.rho_1_d, 1.0 / law.capacity_mL]),
        found,
    )
    late = np.vectorize(late_BED_Gy)(fraction_Gy)
    since_d = np.where(begun, state["age_s"] - state["start_s"], 0.0) / 86_400.0
    return Searched(
        fraction_Gy,
        float(state["dose_Gy"][0]) + FRACTIONS * fraction_Gy.sum(axis=1),
        float(state["brain_BED_Gy"][0]) + FRACTIONS * late.sum(axis=1),
        np.minimum(found + since_d, HORIZON_d),
    )


def _day(setting: Setting, params: Params, dose_Gy: float) -> Float[Array, "2 draws"]:
    """g and c of a day in a week of that dose; what is left of the drug from the days before counts as given that day (1e-4 of it)."""
    doses = 1.0 / -np.expm1(-DRUG_1_d) if setting.concurrent and dose_Gy > 0 else 0.0
    return np.stack(daily(params["drug_kill_1"] * doses, law_of(params), 1.0))


def front(searched: Searched, *, level: float = LEVEL, most_BED_Gy: float = np.inf) -> Front:
    """The best schedule at each total dose whose late effect in brain stays within a bound; equal ones: the least late effect."""
    risk = np.round(worst_mean(searched.progression_d, level), 6)
    allowed = np.flatnonzero(searched.brain_BED_Gy <= most_BED_Gy + 1e-9)
    order = allowed[np.lexsort((searched.brain_BED_Gy[allowed], -risk[allowed], searched.total_Gy[allowed]))]
    _, first = np.unique(np.round(searched.total_Gy[order], 6), return_index=True)
    rows = order[first]
    return Front(tuple(int(r) for r in rows), searched.total_Gy[rows], risk[rows])


def efficient(found: Front) -> Front:
    """Without those that cost more and give no more."""
    keep = [i for i in range(len(found.rows)) if i == 0 or found.worst_d[i] > found.worst_d[:i].max() + 1e-9]
    return Front(tuple(found.rows[i] for i in keep), found.total_Gy[keep], found.worst_d[keep])


def schedule_of(searched: Searched, row: int) -> Schedule:
    """The schedule of a row."""
    return Schedule(tuple(float(d) for d in searched.fraction_Gy[row]))
