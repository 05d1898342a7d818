"""What decisions are taken on: cover of the target, how much tissue is reached at all, and what leaks into fluid."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.model import Readout
from gemel.core.record import Plan
from gemel.engines.inference.slow import Slow, done_by
from gemel.systems.infusion.delivery import LEAK, VOLUME, LEAST_mL, cover_1

PRICE_1_mL = 0.03
"""What a millilitre of tissue that is reached weighs against the share of the target that is not, in the exam's loss."""
Shown = Float[Array, "draws features"]
WHAT = {
    "cover_1": ("1", "share of the target with at least 0.3 of the infused concentration"),
    "covered_mL": ("mL", "tissue with at least that"),
    "leak_1": ("1", "share of what was infused that left into fluid"),
    "loss_1": ("1", "share of the target that is not reached, and a price of each millilitre of tissue that is"),
}


def values(shown: Shown) -> dict[str, Float[Array, "draws"]]:
    """Readouts from features."""
    cover, reached = cover_1(shown), np.maximum(np.exp(shown[:, VOLUME]) - LEAST_mL, 0.0)
    leak = np.clip(shown[:, LEAK], 0.0, 1.0)
    return {"cover_1": cover, "covered_mL": reached, "leak_1": leak, "loss_1": 1.0 - cover + PRICE_1_mL * reached}


def readouts(slow: Slow) -> dict[str, Readout]:
    """By name, of a state after what was planned and a plan (with what was given, where there was)."""
    return {name: Readout(unit, partial(_computed, slow, _named(name)), what) for name, (unit, what) in WHAT.items()}


def _named(name: str) -> Callable[[Shown], Array]:
    return lambda shown: values(shown)[name]


def _computed(slow: Slow, of: Callable[[Shown], Array], state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Array:
    start_s = min((action.t_s for action in plan), default=0.0)  # only the order of what is done counts
    return of(slow.respond(params, done_by(slow, plan, start_s)))
