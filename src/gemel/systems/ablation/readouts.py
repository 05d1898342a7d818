"""What decisions are taken on: cover of the target, what is lost beside it, and how hot it grows where it must not."""

from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.inference.slow_model import Shown, mL
from gemel.systems.ablation.heat import CRITICAL, HEALTHY, cover_1

PRICE_1_mL = 0.01
"""What a millilitre of liver weighs against the share of the target that is left alive, in the exam's loss."""


def values(shown: Shown) -> dict[str, Float[Array, "draws"]]:
    """Readouts from features."""
    cover, healthy = cover_1(shown), mL(shown[:, HEALTHY])
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
