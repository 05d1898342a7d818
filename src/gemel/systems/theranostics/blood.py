"""Blood and the organs that it exchanges with: the reactions that every model of Lu-177-PSMA's population shares.

dA_b/dt = −k₁₀ A_b − Σ (k_in A_b − k_out A_i), dA_i/dt = k_in A_b (1 − A_i/B_max) − k_out A_i; only salivary glands saturate.
Siebinga et al. 2023, CPT Pharmacometrics Syst Pharmacol 12:1060.
"""

from collections.abc import Sequence

from gemel.core.network import Reaction, loss, transfer

SATURATING = "salivary"


def exchange(organs: Sequence[str]) -> list[Reaction]:
    """Excretion from blood, `to_` and `from_` each organ, and what a filling one takes less: `saturated_` is k_in/B_max."""
    found = [loss("blood", "excretion")]
    for organ in organs:
        found += [transfer("blood", organ, f"to_{organ}"), transfer(organ, "blood", f"from_{organ}")]
    if SATURATING in organs:
        found.append(Reaction(f"saturated_{SATURATING}", ("blood", SATURATING), (("blood", 1.0), (SATURATING, -1.0))))
    return found


def decay(places: Sequence[str]) -> list[Reaction]:
    """Of the label, wherever it is."""
    return [loss(place, "decay") for place in places]
