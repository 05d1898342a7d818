"""The course of one patient: amounts of the network at any time, from parameters and what was given."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.record import Action
from gemel.engines.ode import Dose, Tolerance, require_solved, solve
from gemel.systems.theranostics import network
from gemel.systems.theranostics.agent import GIVE
from gemel.systems.theranostics.body import Body, label
from gemel.systems.theranostics.laws import Piece, pieces
from gemel.systems.theranostics.rates import coefficients, moves, weight_1

__all__ = ["GIVE", "HOUR_S", "Body", "advance", "begin", "relabelled", "states"]

HOUR_S = 3600.0
TOLERANCE = Tolerance(relative=1e-3, absolute=1e-6)


def begin(draws: int, t_s: float) -> State:
    """The state of somebody who was given nothing yet."""
    held = (*network.network().species, *(f"weighted_{organ}" for organ in network.DOSED))
    amounts = {name: np.full(draws, network.START.get(name, 0.0)) for name in held}
    return {**amounts, "t_s": np.full(draws, t_s)}


def states(body: Body, params: Params, actions: Sequence[Action], start_s: float, times_s: Sequence[float]) -> list[State]:
    """The state of every draw at each time, ascending, from the start on. Amounts are those just before what is given at that time.

    The body's clock (its `given`, the state's t_s) begins when its twin does, wherever the calendar's `start_s` lies.
    """
    draws, ahead_s = len(next(iter(params.values()))), start_s - body.begins_s
    state, reached = begin(draws, start_s - ahead_s), []
    for t_s in times_s:
        state = advance(body, state, params, earlier(actions, ahead_s), t_s - ahead_s)
        reached.append(state)
    return reached


def earlier(actions: Sequence[Action], by_s: float) -> tuple[Action, ...]:
    """The actions on a clock that is behind by so much."""
    return tuple(replace(action, t_s=action.t_s - by_s) for action in actions) if by_s else tuple(actions)


def advance(body: Body, state: State, params: Params, actions: Sequence[Action], until_s: float) -> State:
    """The state at `until_s`, with everything given from the state's time on; rate constants may change with what is given.

    Before the first dose nothing changes: burden and counts are those before therapy by definition.
    """
    if state["t_s"][0] < body.given[0][0]:
        state = {**state, "t_s": np.full_like(state["t_s"], min(until_s, body.given[0][0]))}
    for piece in pieces(body, actions, float(state["t_s"][0]), until_s):
        state = _solved(body, relabelled(body, state, piece), params, piece)
    return state


def relabelled(body: Body, state: State, piece: Piece) -> State:
    """What is left of another nuclide goes on as so much of the new one as gives off the same energy near by.

    Six weeks after an injection that is under a hundredth of what was there: less than can be told from the new activity.
    """
    before, after = piece.replaces.nuclide, piece.law.agent.nuclide
    if before == after:
        return state
    ratio = label(body, before).energy_Gy_kg_MBq_h / label(body, after).energy_Gy_kg_MBq_h
    return {**state, **{name: state[name] * ratio for name in network.ACTIVE}}


def _solved(body: Body, state: State, params: Params, piece: Piece) -> State:
    """The state at the end of a piece; `weighted` doses count alphas as often as they do harm."""
    used = label(body, piece.law.agent.nuclide)
    names, t_s = network.network().species, float(state["t_s"][0])
    doses = [Dose("blood", one.MBq, (one.t_s - t_s) / HOUR_S) for one in piece.given]
    t = np.array([(piece.stop_s - t_s) / HOUR_S])
    initial = np.stack([state[name] for name in names], axis=1)
    numbers = coefficients(body, params, piece.law)
    solution = solve(network.system(freed=moves(used)), numbers, t=t, initial=initial, doses=doses, tolerance=TOLERANCE)
    require_solved(solution.status, "theranostics")
    reached: dict[str, Array] = dict(zip(names, solution.amounts.T))
    for organ in network.DOSED:
        added_Gy = reached[f"dose_{organ}"] - state[f"dose_{organ}"]
        reached[f"weighted_{organ}"] = state[f"weighted_{organ}"] + added_Gy * weight_1(used, params, organ)
    return {**reached, "t_s": np.full(len(initial), piece.stop_s)}
