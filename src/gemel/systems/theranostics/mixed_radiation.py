"""Sparsely and densely ionising dose together, and how much more the dense kind does: RBE is a distribution, not a number."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.systems.theranostics.quantities import Numbers, Result, at_least_zero, over_zero, plain


@dataclass(frozen=True)
class Effectiveness:
    """Log-normal RBE: geometric mean and geometric standard deviation."""

    median_1: float
    spread_1: float


def _matched(mean: float, sd: float) -> Effectiveness:
    """The log-normal of a mean and a standard deviation: σ² = ln(1 + (sd/mean)²), median = mean e^{−σ²/2}."""
    variance = np.log1p((sd / mean) ** 2)
    return Effectiveness(float(mean * np.exp(-variance / 2)), float(np.exp(np.sqrt(variance))))


# Averages over published survival curves, Pharmaceutics 2022;14:2007, table 2: beta 1.0 ± 0.9 (13 curves), Auger 2.0 ± 1.3 (8); alpha 2.7
# to 15.2 by cell line, taken here as the 95 % interval of a log-normal (assumption).
EFFECTIVENESS = {
    "beta": _matched(1.0, 0.9),
    "Auger": _matched(2.0, 1.3),
    "alpha": Effectiveness(float(np.sqrt(2.7 * 15.2)), float(np.exp(np.log(15.2 / 2.7) / 3.92))),
}


def draw_rbe(kind: str, draws: int, rng: np.random.Generator) -> Float[Array, "draws"]:
    """Draws of the RBE of `beta`, `Auger` or `alpha` radiation. Raises InputError for another kind."""
    if kind not in EFFECTIVENESS:
        raise InputError(f"unknown radiation {kind!r}", where="draw_rbe", remedy=f"choose one of {', '.join(EFFECTIVENESS)}")
    found = EFFECTIVENESS[kind]
    return np.asarray(found.median_1 * found.spread_1 ** rng.standard_normal(draws))


def alpha_bed_Gy(dose_Gy: Numbers, rbe_max_1: Numbers, *, G_1: Numbers, alpha_beta_Gy: Numbers) -> Result:
    """BED = D (RBE_max + G D/(α/β)) of densely ionising dose; α/β of photons. Dale & Jones 1999, Int J Radiat Oncol Biol Phys 43:639."""
    dose, G = at_least_zero(dose_Gy, "dose_Gy"), at_least_zero(G_1, "G_1")
    return plain(np.asarray(dose * (at_least_zero(rbe_max_1, "rbe_max_1") + G * dose / over_zero(alpha_beta_Gy, "alpha_beta_Gy"))))


def mixed_bed_Gy(low_Gy: Numbers, high_Gy: Numbers, *, rbe_1: Numbers, G_1: Numbers, alpha_beta_Gy: Numbers) -> Result:
    """BED = D_lo + RBE D_hi + G (D_lo + √RBE D_hi)²/(α/β): the two kinds share one pool of repairable damage.

    Zaider & Rossi 1980, Radiat Res 83:732, with α_hi = RBE α and β_hi = RBE β; G is that of the whole time course.
    """
    low, high, rbe = at_least_zero(low_Gy, "low_Gy"), at_least_zero(high_Gy, "high_Gy"), at_least_zero(rbe_1, "rbe_1")
    shared = at_least_zero(G_1, "G_1") * (low + np.sqrt(rbe) * high) ** 2
    return plain(np.asarray(low + rbe * high + shared / over_zero(alpha_beta_Gy, "alpha_beta_Gy")))


def mixed_survival(bed_Gy: Numbers, alpha_1_Gy: Numbers) -> Result:
    """SF = e^{−α BED}, the BED of any radiation or mixture."""
    return plain(np.asarray(np.exp(-over_zero(alpha_1_Gy, "alpha_1_Gy") * at_least_zero(bed_Gy, "bed_Gy"))))
