"""Cells that move, divide and are killed: ∂N/∂t = ∇·(D ∇N) + k(x) N (1 − N/θ) + ε N − Σ_i λ_i(x, t) N, D = D0 exp(−γ σ_vM(N)).

Weis et al. 2013, Phys Med Biol 58:5851; Jarrett et al. 2020, Neoplasia 22:820; Wu et al. 2025, npj Digit Med 8:195. ε, the growth that
the model lacks, is a parameter with a prior about zero (Kennedy & O'Hagan 2001, J R Stat Soc B 63:425, sec. 3).
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.record import Action
from gemel.core.time import DAY_S
from gemel.engines.pde import ensemble
from gemel.engines.pde.ensemble import Ensemble
from gemel.systems.breast.body import Body
from gemel.systems.breast.drugs import DRUGS, Dose, as_dose, effect_d
from gemel.systems.breast.stress import diffusivity_mm2_d

STEP_d = 3.5
"""Of the integration; what drugs do within it is exact. Total cells after six weeks are within 0.2 % of the limit."""
REFRESH_d = 7.0
"""How often stress follows the cells."""


def begin(body: Body, params: Params) -> State:
    """The state of every draw at the start: what was seen, times the error of having seen it; no more than capacity."""
    ratio = np.asarray(params["initial_ratio_1"], dtype=np.float64)
    seen = np.minimum(ratio[:, None] * body.density[None, :], 1.0)
    return {"density": seen.astype(np.float32), "t_s": np.full(len(ratio), body.start_s)}


def states(body: Body, params: Params, actions: Sequence[Action], start_s: float, times_s: Sequence[float]) -> list[State]:
    """The state of every draw at each time, ascending, from the start on; the body's clock begins where the calendar's `start_s` lies."""
    ahead_s, state, reached = start_s - body.start_s, begin(body, params), []
    doses = doses_of(body, [replace(action, t_s=action.t_s - ahead_s) for action in actions])
    for t_s in times_s:
        state = advance(body, state, params, doses, t_s - ahead_s)
        reached.append(state)
    return reached


def doses_of(body: Body, actions: Sequence[Action]) -> tuple[Dose, ...]:
    """All doses, those of the beginning first."""
    return (*body.given, *(as_dose(action) for action in actions))


def advance(body: Body, state: State, params: Params, doses: Sequence[Dose], until_s: float) -> State:
    """The state at `until_s`. Draws that are alike are computed once."""
    t0_s = float(state["t_s"][0])
    if until_s <= t0_s:
        return state
    names = sorted(params)
    rows = np.column_stack([np.asarray(params[name], dtype=np.float64) for name in names])
    _, first, back = np.unique(_alike(rows, state["density"]), axis=0, return_index=True, return_inverse=True)
    some = {name: np.asarray(params[name])[first] for name in names}
    every_s = REFRESH_d * DAY_S if body.coupled else until_s - t0_s
    edges_s = np.unique(np.append(np.arange(t0_s, until_s, every_s), until_s))
    held, rate = state["density"][first], rate_1_d(body, some)
    for a_s, b_s in pairwise(edges_s):
        held = _course(body, held, {**some, "k": rate}, doses, (float(a_s), float(b_s)))
    return {"density": held[back.ravel()], "t_s": np.full(len(back), until_s)}


def _alike(rows: Float[Array, "draws p"], density: Float[Array, "draws n"]) -> Float[Array, "draws p2"]:
    """Numbers that tell draws apart: parameters, and two sums of their cells."""
    ramp = np.linspace(0.5, 1.5, density.shape[1])
    return np.column_stack([rows, density.sum(axis=1, dtype=np.float64), density @ ramp])


def _course(
    body: Body, density: Float[Array, "draws n"], params: Params, doses: Sequence[Dose], span_s: tuple[float, float]
) -> Float[Array, "draws n"]:
    """All draws over a span during which diffusivity stays the same; `k` among the parameters is the field of rates."""
    days = (span_s[1] - span_s[0]) / DAY_S
    steps = int(np.ceil(days / STEP_d - 1e-9))
    edges_s = np.linspace(*span_s, steps + 1)
    middles_s = np.concatenate([edges_s[:1], (edges_s[1:] + edges_s[:-1]) / 2, edges_s[-1:]])
    lost = [
        np.asarray(params[f"alpha_{drug}_1_d"])[:, None] * effect_d(doses, drug, params[f"beta_{drug}_1_d"], middles_s) for drug in DRUGS
    ]
    of = Ensemble(
        rate_1_d=params["k"],
        diffusivity_mm2_d=diffusivity_mm2_d(body, density, params["D0_mm2_d"], _coupling_1_kPa(params)),
        excess_1_d=np.asarray(params["excess_1_d"], dtype=np.float64),
        spread=body.supply,
        lost=np.asarray(np.sum(lost, axis=0)),
    )
    return ensemble.advance(density, ensemble.lattice(body.mask, body.spacing_mm), of, days / steps)


def _coupling_1_kPa(params: Params) -> Float[Array, "draws"] | None:
    """γ, and 0 in draws of the model without mechanics, where the two are weighed."""
    gamma, on = params.get("gamma_1_kPa"), params.get("mechanics_1")
    return gamma if gamma is None or on is None else np.where(np.asarray(on) > 0, gamma, 0.0)


def rate_1_d(body: Body, params: Params) -> Float[Array, "draws n"]:
    """k(x) of every draw."""
    weights = np.stack([np.asarray(params[f"k_mode_{i + 1}_1"]) for i in range(len(body.modes))], axis=1)
    return np.asarray(np.asarray(params["k_1_d"], dtype=np.float32)[:, None] * np.exp(weights.astype(np.float32) @ body.modes))
