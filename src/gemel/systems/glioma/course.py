"""The spatially averaged tumour over time: logistic growth, linear-quadratic fractions, drug, resection. Every array leads with the draws.

dN/dt = ρN(1 − N/K); N(t⁺) = N(t⁻)e^(−αd(1 + d/(α/β))) at a fraction. Chaudhuri et al. 2023, Front Artif Intell 6:1222612. What is killed is
seen until it is cleared, dM/dt = −λM, and takes no room. Watanabe et al. 2016, Theor Biol Med Model 13:6 (dead cells in a tumour's volume).
"""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.record import Action
from gemel.core.time import DAY_S
from gemel.systems.glioma.events import DRUG, FRACTION, Dated, Setting, late_BED_Gy, unfolded
from gemel.systems.glioma.growth import Law, days_until, grown

ALPHA_BETA_Gy = 10.0
"""Of high-grade glioma. Qi et al. 2006, Int J Radiat Oncol Biol Phys 64:1570 (10.0 ± 15.1 Gy); Chaudhuri 2023 fixes it too."""
PROGRESSED = 1.4
"""Volume over that at the first fraction: RANO 2.0, Wen et al. 2023, J Clin Oncol 41:5187."""
HORIZON_d = 1095.0
"""Longest time to progression that is told apart: it is cut there."""


def law_of(params: Params) -> Law:
    """Growth of every draw."""
    return Law(params["rho_1_d"], params["capacity_mL"])


def begin(params: Params) -> State:
    """The state at the start: nothing given yet. `start_s` < 0: no fraction yet; then `start_mL` has no meaning."""
    burden = np.asarray(params["burden_mL"], dtype=np.float64)
    nothing = np.zeros_like(burden)
    return {
        "age_s": nothing, "burden_mL": burden, "dead_mL": nothing, "drug_1": nothing, "dose_Gy": nothing, "brain_BED_Gy": nothing,
        "start_mL": nothing, "start_s": nothing - 1.0,
    }  # fmt: skip


def states(setting: Setting, params: Params, actions: Sequence[Action], start_s: float, times_s: Sequence[float]) -> list[State]:
    """The state at each time, ascending, just before what is given at that time."""
    state, reached, events = begin(params), [], unfolded(setting, actions, start_s)
    for t_s in times_s:
        state = advance(state, params, events, t_s - start_s)
        reached.append(state)
    return reached


def advance(state: State, params: Params, events: Iterable[Dated], until_s: float) -> State:
    """The state at an age, with all events from the state's age on and before that age."""
    for event in ahead(state, events, until_s):
        state = happened(moved(state, params, event.age_s), params, event)
    return moved(state, params, until_s)


def ahead(state: State, events: Iterable[Dated], until_s: float = np.inf) -> list[Dated]:
    """Events from the state's age on, before another age."""
    return [event for event in events if float(state["age_s"][0]) <= event.age_s < until_s]


def moved(state: State, params: Params, until_s: float) -> State:
    """Growth and clearance alone."""
    days = (until_s - float(state["age_s"][0])) / DAY_S
    if days <= 0:
        return state
    burden, drug = grown(state["burden_mL"], state["drug_1"], law_of(params), days)
    dead = state["dead_mL"] * np.exp(-params["clearance_1_d"] * days)
    return {**state, "burden_mL": burden, "dead_mL": dead, "drug_1": drug, "age_s": np.full_like(burden, until_s)}


def happened(state: State, params: Params, event: Dated) -> State:
    """The state after one event. What a dose of the drug will kill counts as dead from then on."""
    if event.kind == DRUG:
        ln = params["drug_kill_1"] * event.amount
        return {**state, "drug_1": state["drug_1"] + ln, "dead_mL": _dead_mL(state, ln)}
    if event.kind != FRACTION:
        left = 1.0 - event.amount
        return {**state, "burden_mL": state["burden_mL"] * left, "dead_mL": state["dead_mL"] * left}
    fresh, ln = state["start_s"] < 0, ln_kill(params, event.amount)
    return {
        **state,
        "start_mL": np.where(fresh, state["burden_mL"], state["start_mL"]),
        "start_s": np.where(fresh, event.age_s, state["start_s"]),
        "burden_mL": state["burden_mL"] * np.exp(-ln),
        "dead_mL": _dead_mL(state, ln),
        "dose_Gy": state["dose_Gy"] + event.amount,
        "brain_BED_Gy": state["brain_BED_Gy"] + late_BED_Gy(event.amount),
    }


def visible_mL(state: State) -> Float[Array, "draws"]:
    """Cells that go on living, and dead ones that were not cleared."""
    return np.asarray(_living_mL(state) + state["dead_mL"])


def _living_mL(state: State) -> Float[Array, "draws"]:
    return np.asarray(state["burden_mL"] * np.exp(-state["drug_1"]))


def _dead_mL(state: State, ln: Float[Array, "draws"]) -> Float[Array, "draws"]:
    """After a further ln kill."""
    return np.asarray(state["dead_mL"] - _living_mL(state) * np.expm1(-ln))


def ln_kill(params: Params, dose_Gy: float) -> Float[Array, "draws"]:
    """αd(1 + d/(α/β)) of one fraction."""
    return np.asarray(params["alpha_1_Gy"] * dose_Gy * (1.0 + dose_Gy / ALPHA_BETA_Gy))


def progression_d(state: State, params: Params, events: Iterable[Dated]) -> Float[Array, "draws"]:
    """Days from the first fraction (without one, from the state's time) until the living burden is PROGRESSED times that of that moment.

    Looked for from the state's time on: where the burden is beyond it already, that time counts.
    """
    law, found = law_of(params), np.full(len(state["burden_mL"]), np.inf)
    for event in ahead(state, events):
        reached = moved(state, params, event.age_s)
        found = _crossed(state, reached, law, found)
        state = happened(reached, params, event)
    if np.any(state["drug_1"]):
        reached = moved(state, params, float(state["age_s"][0]) + DAY_S)
        found, state = _crossed(state, reached, law, found), reached
    age_d = state["age_s"] / DAY_S
    found = np.where(np.isinf(found), age_d + days_until(state["burden_mL"], _limit_mL(state), law), found)
    begun_d = np.where(state["start_s"] < 0, age_d, state["start_s"] / DAY_S)
    return np.minimum(found - begun_d, HORIZON_d)


def _limit_mL(state: State) -> Float[Array, "draws"]:
    return np.asarray(PROGRESSED * np.where(state["start_s"] >= 0, state["start_mL"], state["burden_mL"]))


def _crossed(before: State, after: State, law: Law, found: Float[Array, "draws"]) -> Float[Array, "draws"]:
    """The age in days at which growth between two states reaches the limit, for draws that had not reached it.

    Counted back from the later state: a drug given at the first is gone within hours.
    """
    limit = _limit_mL(before)
    back_d = days_until(limit, after["burden_mL"], law)
    at_d = np.maximum(after["age_s"] / DAY_S - back_d, before["age_s"] / DAY_S)
    now = (before["start_s"] >= 0) & np.isinf(found) & (after["burden_mL"] >= limit)
    return np.where(now, at_d, found)
