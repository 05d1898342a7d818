"""What decisions are taken on: cover of the target, how much tissue is reached at all, and what leaks into fluid."""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.inference.slow_model import Shown, mL
from gemel.systems.infusion.delivery import LEAK, VOLUME, cover_1

PRICE_1_mL = 0.03
"""What a millilitre of tissue that is reached weighs against the share of the target that is not, in the exam's loss."""
WHAT = {
    "cover_1": ("1", "share of the target with at least 0.3 of the infused concentration"),
    "covered_mL": ("mL", "tissue with at least that"),
    "leak_1": ("1", "share of what was infused that left into fluid"),
    "loss_1": ("1", "share of the target that is not reached, and a price of each millilitre of tissue that is"),
}


def values(shown: Shown) -> dict[str, Float[Array, "draws"]]:
    """Readouts from features."""
    cover, reached = cover_1(shown), mL(shown[:, VOLUME])
    leak = np.clip(shown[:, LEAK], 0.0, 1.0)
    return {"cover_1": cover, "covered_mL": reached, "leak_1": leak, "loss_1": 1.0 - cover + PRICE_1_mL * reached}
