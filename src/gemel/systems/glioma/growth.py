"""Logistic growth of a tumour's burden under a drug that decays, exactly, for every draw at once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array

DRUG_1_d = 24 * np.log(2) / 1.8
"""Loss of temozolomide: half-life 1.8 h in plasma. Baker et al. 1999, Clin Cancer Res 5:309."""
TERMS = 16
"""Of e^(A e^(−bt)): below 1e-13 of the whole for A ≤ 1."""


@dataclass(frozen=True)
class Law:
    """Proliferation ρ and carrying capacity K of every draw."""

    rho_1_d: Float[Array, "draws"]
    capacity_mL: Float[Array, "draws"]


def grown(
    burden_mL: Float[Array, "draws"], drug_1: Float[Array, "draws"], law: Law, days: float
) -> tuple[Float[Array, "draws"], Float[Array, "draws"]]:
    """Burden and remaining drug after `days` of dN/dt = ρN(1 − N/K) − A b e^(−bt) N; A = `drug_1` is the ln kill still to come.

    With y = 1/N linear: y(t) = e^(A(1 − e^(−bt)))·[y₀e^(−ρt) + (ρ/K)e^(−A) Σ Aⁿ/n!·(e^(−nbt) − e^(−ρt))/(ρ − nb)].
    Verhulst 1838; kernel of a dose as in Jarrett et al. 2018, Math Biosci Eng 15:1137.
    """
    gain, source = daily(drug_1, law, days)
    return 1.0 / (gain / burden_mL + source), drug_1 * np.exp(-DRUG_1_d * days)


def daily(drug_1: Float[Array, "draws"], law: Law, days: float) -> tuple[Float[Array, "draws"], Float[Array, "draws"]]:
    """(g, c) of 1/N(t) = g·1/N₀ + c, the affine map of an interval without fractions."""
    stay = np.exp(-law.rho_1_d * days)
    if not np.any(drug_1):
        return stay, (1.0 - stay) / law.capacity_mL
    left = np.exp(drug_1 * -np.expm1(-DRUG_1_d * days))
    total, term = np.zeros_like(stay), np.exp(-drug_1)
    for n in range(TERMS):
        rate = n * DRUG_1_d
        total += term * (np.exp(-rate * days) - stay) / (law.rho_1_d - rate)
        term = term * drug_1 / (n + 1)
    return left * stay, left * law.rho_1_d / law.capacity_mL * total


def days_until(burden_mL: Float[Array, "draws"], target_mL: Float[Array, "draws"], law: Law) -> Float[Array, "draws"]:
    """Days of free growth from one burden to a larger one; infinite where the capacity is not above it."""
    room = 1.0 / target_mL - 1.0 / law.capacity_mL
    ratio = (1.0 / burden_mL - 1.0 / law.capacity_mL) / np.where(room > 0, room, 1.0)
    found = np.log(np.maximum(ratio, 1.0)) / law.rho_1_d
    return np.where(room > 0, found, np.inf)
