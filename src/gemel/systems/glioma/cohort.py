"""Virtual patients who are learned from scans before radiotherapy and then planned: what a chosen schedule gains, and what it saves.

The experiment of Chaudhuri et al. 2023, Front Artif Intell 6:1222612, with priors and scans as arguments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core import twin as twins
from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.model import Model
from gemel.core.record import Observation
from gemel.core.system import common_draws
from gemel.core.time import DAY_S
from gemel.systems.glioma.course import states
from gemel.systems.glioma.events import Setting
from gemel.systems.glioma.learning import ENHANCING, predicted
from gemel.systems.glioma.schedules import USUAL_Gy
from gemel.systems.glioma.search import Front, Searched, front, search
from gemel.systems.glioma.superquantile import LEVEL, worst_mean


@dataclass(frozen=True)
class Trial:
    """How patients are seen and planned: days of scans (the plan is made at the last), error of ln volume, schedules, risk level, bound."""

    scans_d: tuple[float, ...]
    ln_sd: float
    fraction_Gy: Float[Array, "schedules weeks"]
    level: float = LEVEL
    most_BED_Gy: float = np.inf
    draws: int = 300


@dataclass(frozen=True)
class Outcome:
    """Of one patient, with true parameters: days gained at no more than the usual dose, dose saved at no more risk, and progression.

    `dose_Gy`: total of the schedule chosen for equal control; more than the usual where the belief asks for it is not counted here.
    """

    usual_d: float
    gained_d: float
    saved_Gy: float
    believed_gain_d: float
    fraction_Gy: Float[Array, "weeks"]
    least_Gy: Float[Array, "weeks"]


def planned(model: Model, trial: Trial, number: int) -> Outcome:
    """One patient of the model's prior: seen, learned, planned, and what then truly happens."""
    rng = common_draws(61, number)
    _, true = model.prior.draw(1, rng)
    twin = twins.new(model, 0.0, number)
    for day in trial.scans_d:
        twin = twins.assimilate(twin, (_seen(true, trial, day, rng),))
    state, params = twin.belief.draw(trial.draws, rng)
    believed = search(Setting(), state, params, trial.fraction_Gy)
    real = search(Setting(), _at(true, trial.scans_d[-1]), true, trial.fraction_Gy)
    return _outcome(trial, believed, real.progression_d[:, 0])


def _outcome(trial: Trial, believed: Searched, real_d: Float[Array, "schedules"]) -> Outcome:
    usual = int(np.flatnonzero((believed.fraction_Gy == USUAL_Gy).all(axis=1))[0])
    risk_d = float(worst_mean(believed.progression_d[usual], trial.level))
    best = front(believed, level=trial.level, most_BED_Gy=trial.most_BED_Gy)
    chosen = _chosen(best, believed.total_Gy[usual])
    least = next((row for row, worst in zip(best.rows, best.worst_d) if worst >= risk_d - 1e-5), usual)
    return Outcome(
        float(real_d[usual]),
        float(real_d[chosen] - real_d[usual]),
        float(believed.total_Gy[usual] - believed.total_Gy[least]),
        float(worst_mean(believed.progression_d[chosen], trial.level) - risk_d),
        believed.fraction_Gy[chosen],
        believed.fraction_Gy[least],
    )


def _chosen(best: Front, most_Gy: float) -> int:
    """The best schedule within a total dose."""
    within = [(worst, -total, row) for row, total, worst in zip(best.rows, best.total_Gy, best.worst_d) if total <= most_Gy + 1e-9]
    return max(within)[2]


def _at(params: Params, day: float) -> State:
    return states(Setting(), params, (), 0.0, (day * DAY_S,))[0]


def _seen(params: Params, trial: Trial, day: float, rng: np.random.Generator) -> Observation:
    value = predicted(ENHANCING, _at(params, day), params) + trial.ln_sd * rng.standard_normal(1)
    return Observation(ENHANCING, day * DAY_S, value, np.array([trial.ln_sd]), "synthetic")


def summary(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Medians over the cohort, and how many lost by it."""
    gained, saved = np.array([o.gained_d for o in outcomes]), np.array([o.saved_Gy for o in outcomes])
    return {
        "usual_d": float(np.median([o.usual_d for o in outcomes])),
        "gained_d": float(np.median(gained)),
        "gained_25_d": float(np.quantile(gained, 0.25)),
        "gained_75_d": float(np.quantile(gained, 0.75)),
        "saved_Gy": float(np.median(saved)),
        "lost_share": float((gained < -0.5).mean()),
    }
