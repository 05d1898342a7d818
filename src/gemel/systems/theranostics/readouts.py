"""What decisions are taken on: doses at the end of a course, if from now on a plan is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.model import Readout
from gemel.core.record import Action, Plan
from gemel.core.time import DAY_S
from gemel.systems.theranostics.agent import gives
from gemel.systems.theranostics.body import Body
from gemel.systems.theranostics.course import advance
from gemel.systems.theranostics.network import DOSED
from gemel.systems.theranostics.population import population

NADIR_s = 28 * DAY_S
HORIZON_s = 48 * 7 * DAY_S
"""All regimens are compared this long after now: the longest has ended eight weeks before."""
KIDNEY_BED_Gy = 40.0
PENALTY_1_Gy = 0.5
WEIGHTED = ("marrow", "salivary", "kidney", "tumour")
"""Organs whose dose is also told with alphas weighted; without alphas the marrow alone, which has a limit on it."""


@dataclass(frozen=True, eq=False)
class _At:
    """A state and its parameters, told apart by being the same objects, so that all readouts of one forecast share one course."""

    state: State
    params: Params

    def __hash__(self) -> int:
        return id(self.state["t_s"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _At) and self.state["t_s"] is other.state["t_s"] and self.params is other.params


def readouts(body: Body) -> dict[str, Readout]:
    """All readouts, by name; each takes the state at some time and the plan from then on."""
    reach = lru_cache(maxsize=64)(partial(_reached, body))
    ends = lru_cache(maxsize=2)(partial(course_end, reach))

    def readout(unit: str, what: str, of: Callable[[Mapping[str, Array], Params], Array]) -> Readout:
        def compute(state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Array:
            return of(ends(_At(state, params), plan), params)

        return Readout(unit, compute, what)

    doses = {
        f"{organ}_dose_Gy": readout("Gy", f"absorbed dose of {organ} over the course", partial(_held, f"dose_{organ}")) for organ in DOSED
    }
    weighted = {
        f"{organ}_weighted_dose_Gy": readout("Gy", f"dose of {organ}, alphas counted RBE times", partial(_held, f"weighted_{organ}"))
        for organ in (WEIGHTED if body.has_alphas else WEIGHTED[:1])
    }
    return {
        **doses,
        **weighted,
        "kidney_BED_Gy": readout("Gy", "biologically effective dose of the kidneys over the course", partial(_bed, "kidney")),
        "tumour_BED_Gy": readout("Gy", "biologically effective dose of the tumour over the course", partial(_bed, "tumour")),
        "platelets_nadir_ratio_1": readout("1", "fewest platelets, four weeks after a cycle, to those before", partial(_held, "nadir")),
        "psa_ratio_1": readout("1", "PSA at the horizon, to that before therapy", partial(_held, "psa")),
        "tumour_ln_kill_1": readout("1", "ln of the tumour before therapy to that at the horizon, growth included", _ln_kill),
        "loss_1": readout("1", f"{PENALTY_1_Gy:g} for each Gy of kidney BED above {KIDNEY_BED_Gy:g}, less ln kill", _loss),
    }


def course_end(reach: Callable[["_At", Plan, float], "_At"], at: _At, plan: Plan) -> dict[str, Float[Array, "draws"]]:
    """Amounts at the horizon, and `nadir`: the fewest platelets four weeks after each cycle.

    Regimens that begin alike share the part that is alike: `reach` remembers where what was given before a time leads to at that time.
    """
    fewest = at.state["platelets"]
    for stop_s in stops(float(at.state["t_s"][0]), plan):
        at = reach(at, tuple(a for a in plan if a.t_s < stop_s), stop_s)
        fewest = np.minimum(fewest, at.state["platelets"])
    return {**at.state, "nadir": fewest}


def _reached(body: Body, at: _At, plan: Plan, until_s: float) -> _At:
    """The state at a time, from another one on, under what is given between."""
    return _At(advance(body, at.state, at.params, plan, until_s), at.params)


def stops(now_s: float, plan: Sequence[Action]) -> list[float]:
    """When platelets are looked at, and the end."""
    given = sorted(a.t_s for a in plan if gives(a) and a.t_s >= now_s)
    end_s = max(now_s + HORIZON_s, given[-1] + 2 * NADIR_s if given else now_s)
    return sorted({*(t_s + NADIR_s for t_s in given), end_s})


def _held(name: str, end: Mapping[str, Array], params: Params) -> Array:
    return end[name]


def _bed(organ: str, end: Mapping[str, Array], params: Params) -> Array:
    """D + 2/(α/β)·∫Ḋ R dt (Dale 1985, Br J Radiol 58:515), alphas RBE times in D and √RBE times in Ḋ and R."""
    return np.asarray(end[f"weighted_{organ}"] + 2 / population().fixed[f"{organ}_alpha_beta_Gy"] * end[f"lethal_{organ}"])


def _ln_kill(end: Mapping[str, Array], params: Params) -> Array:
    return -np.log(np.maximum(end["burden"], 1e-12))


def _loss(end: Mapping[str, Array], params: Params) -> Array:
    over: Any = np.maximum(_bed("kidney", end, params) - KIDNEY_BED_Gy, 0.0)
    return np.asarray(PENALTY_1_Gy * over - _ln_kill(end, params))
