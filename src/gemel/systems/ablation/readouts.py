"""What decisions are taken on: cover of the target, what is lost beside it, and how hot it grows where it must not."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.model import Readout
from gemel.core.record import Plan
from gemel.engines.inference.slow import Slow, done_by
from gemel.systems.ablation.heat import CRITICAL, HEALTHY, LEAST_mL, cover_1

PRICE_1_mL = 0.01
"""What a millilitre of liver weighs against the share of the target that is left alive, in the exam's loss."""
Shown = Float[Array, "draws features"]


def values(shown: Shown) -> dict[str, Float[Array, "draws"]]:
    """Readouts from features."""
    cover, healthy = cover_1(shown), np.maximum(np.exp(shown[:, HEALTHY]) - LEAST_mL, 0.0)
    return {
        "cover_1": cover,
        "healthy_mL": healthy,
        "critical_degC": shown[:, CRITICAL],
        "loss_1": 1.0 - cover + PRICE_1_mL * healthy,
    }


WHAT = {
    "cover_1": ("1", "share of tumour and 5 mm margin that is dead"),
    "healthy_mL": ("mL", "what is dead beyond that"),
    "critical_degC": ("degC", "the highest temperature where it must stay cool"),
    "loss_1": ("1", "share of the target left alive, and a price of each millilitre of liver"),
}


def readouts(slow: Slow) -> dict[str, Readout]:
    """By name, of a state after what was planned and a plan (with what was given, where there was)."""
    return {name: Readout(unit, partial(_computed, slow, _named(name)), what) for name, (unit, what) in WHAT.items()}


def _named(name: str) -> Callable[[Shown], Array]:
    return lambda shown: values(shown)[name]


def _computed(slow: Slow, of: Callable[[Shown], Array], state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Array:
    start_s = min((action.t_s for action in plan), default=0.0)  # only the order of what is done counts
    return of(slow.respond(params, done_by(slow, plan, start_s)))
