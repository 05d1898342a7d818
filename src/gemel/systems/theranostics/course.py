"""The course of one patient: amounts of the network at any time, from parameters and what was given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.record import Action
from gemel.engines.ode import Dose, Tolerance, require_solved, solve
from gemel.systems.theranostics import network
from gemel.systems.theranostics.population import population

HOUR_S = 3600.0
GIVE = "administer"
TOLERANCE = Tolerance(relative=1e-3, absolute=1e-6)
BLOOD_kg_L = 1.06


@dataclass(frozen=True)
class Body:
    """What of a patient the parameters do not hold: Gy/(MBq h) of each organ for its own activity, tumour mass, energy, decay, first doses.

    `energy_Gy_kg_MBq_h` is the energy of electrons (and alphas) a decay leaves on the spot; `given` are (t_s, MBq) of the nuclide.
    """

    S_Gy_MBq_h: Mapping[str, float]
    tumour_g: float
    energy_Gy_kg_MBq_h: float
    decay_1_h: float
    given: tuple[tuple[float, float], ...]


def begin(draws: int, t_s: float) -> State:
    """The state of somebody who was given nothing yet."""
    amounts = {name: np.full(draws, network.START.get(name, 0.0)) for name in network.network().species}
    return {**amounts, "t_s": np.full(draws, t_s)}


def states(body: Body, params: Params, actions: Sequence[Action], start_s: float, times_s: Sequence[float]) -> list[State]:
    """The state of every draw at each time, ascending, from the start on. Amounts are those just before what is given at that time."""
    draws = len(next(iter(params.values())))
    state, reached = begin(draws, start_s), []
    for t_s in times_s:
        state = advance(body, state, params, actions, t_s)
        reached.append(state)
    return reached


def advance(body: Body, state: State, params: Params, actions: Sequence[Action], until_s: float) -> State:
    """The state at `until_s`, with everything given from the state's time on; kidneys may take up otherwise after the first cycle."""
    given = sorted({*body.given, *((a.t_s, a.amount) for a in actions if a.kind == GIVE)})
    later_s = given[1][0] if len(given) > 1 else np.inf
    t_s = float(state["t_s"][0])
    for stop_s in sorted({min(max(later_s, t_s), until_s), until_s}):
        if stop_s > t_s:
            numbers = coefficients(body, params, later=t_s >= later_s)
            state = _solved(state, numbers, [(at_s, MBq) for at_s, MBq in given if t_s <= at_s < stop_s], stop_s)
            t_s = stop_s
    return state


def coefficients(body: Body, params: Params, *, later: bool) -> Float[Array, "draws coefficients"]:
    """The network's rate constants (1/h; Gy/(MBq h) for S) of every draw; `later`: from the second cycle on."""
    fixed = population().fixed
    per_blood = params["marrow_dose_ratio_1"] * body.energy_Gy_kg_MBq_h / (BLOOD_kg_L * params["central_volume_L"])
    per_rest = body.S_Gy_MBq_h["marrow_rest"] * params["marrow_dose_ratio_1"]
    named = {name.removesuffix("_1_h"): values for name, values in params.items() if name.endswith("_1_h")}
    named |= {f"S_{organ}": np.full_like(per_blood, body.S_Gy_MBq_h[organ]) for organ in network.ORGANS}
    named["S_kidney"] = named["S_kidney"] * params["kidney_S_ratio_1"]
    named["S_tumour"] = named["S_tumour"] * params["tumour_S_ratio_1"]
    named["to_kidney"] = params["to_kidney_1_h"] * (params["kidney_next_ratio_1"] if later else 1.0)
    named["to_tumour"] = params["to_tumour_1_h_g"] * body.tumour_g
    named["saturated_salivary"] = params["to_salivary_1_h"] / params["salivary_capacity_MBq"]
    named |= {"S_marrow_blood": per_blood, "S_marrow_rest": per_rest}
    named |= {f"marrow_kill_{source}": params["marrow_kill_1_Gy"] * named[f"S_marrow_{source}"] for source in ("blood", "rest")}
    named["tumour_kill"] = params["tumour_kill_1_Gy"] * named["S_tumour"]
    named["repair_kidney"] = np.log(2) / params["kidney_repair_h"]
    constants = {"decay": body.decay_1_h, "maturation": fixed["maturation_1_h"]}
    constants |= {"repair_tumour": np.log(2) / fixed["tumour_repair_h"], "psa_turnover": np.log(2) / fixed["psa_half_life_h"]}
    named |= {name: np.full_like(per_blood, value) for name, value in constants.items()}
    return np.stack([named[name] for name in network.network().coefficients], axis=1)


def _solved(state: State, numbers: Array, given: Sequence[tuple[float, float]], until_s: float) -> State:
    """The state at `until_s` with the doses on the way."""
    names, t_s = network.network().species, float(state["t_s"][0])
    doses = [Dose("blood", MBq, (at_s - t_s) / HOUR_S) for at_s, MBq in given]
    t = np.array([(until_s - t_s) / HOUR_S])
    initial = np.stack([state[name] for name in names], axis=1)
    solution = solve(network.system(), numbers, t=t, initial=initial, doses=doses, tolerance=TOLERANCE)
    require_solved(solution.status, "theranostics")
    return {**dict(zip(names, solution.amounts.T)), "t_s": np.full(len(initial), until_s)}
