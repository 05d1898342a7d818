"""What is given, when, and how much of its effect falls into a span of time.

λ(x, t) = Σ_i α_i C(x) Σ_j d_ij exp(−β_i (t − τ_ij)) for t ≥ τ_ij: Jarrett et al. 2020, Neoplasia 22:820; Wu et al. 2025,
npj Digit Med 8:195.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.record import Action
from gemel.core.time import DAY_S

DRUGS = ("AC", "T")
"""Doxorubicin with cyclophosphamide (60 and 600 mg/m2 are dose 1), and paclitaxel (175 mg/m2 is dose 1)."""
UNIT = "standard doses"


@dataclass(frozen=True)
class Dose:
    """So many standard doses of a drug, at a time in seconds on the twin's clock."""

    drug: str
    t_s: float
    amount: float


def as_dose(action: Action) -> Dose:
    """A dose that an action gives. Raises InputError for one that is none: another drug or unit, an amount below 0."""
    if action.kind not in DRUGS or action.unit != UNIT or not (np.isfinite(action.amount) and action.amount >= 0):
        found = f"{action.amount:g} {action.unit} of {action.kind}"
        raise InputError(found, where="breast", remedy=f"give {' or '.join(DRUGS)} in {UNIT}, zero or more")
    return Dose(action.kind, action.t_s, action.amount)


def effect_d(
    doses: Sequence[Dose], drug: str, beta_1_d: Float[Array, "draws"], edges_s: Float[Array, "edges"]
) -> Float[Array, "draws spans"]:
    """∫ Σ_j d_j exp(−β (t − τ_j)) dt over each span between edges, in days, exactly: d_j (e^{−β a} − e^{−β b})/β from a to b after τ_j."""
    given = [dose for dose in doses if dose.drug == drug and dose.t_s < edges_s[-1]]
    beta = np.asarray(beta_1_d, dtype=np.float64)[:, None]
    total = np.zeros((len(beta), len(edges_s) - 1))
    for dose in given:
        left = np.exp(-beta * np.maximum((edges_s - dose.t_s) / DAY_S, 0.0)[None, :])
        total += dose.amount * (left[:, :-1] - left[:, 1:]) / beta
    return total
