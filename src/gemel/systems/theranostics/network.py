"""Activity, dose, repair, marrow and tumour of one patient as a network of compartments (MBq, Gy, hours).

Kinetics: blood exchanges with salivary glands (saturating), kidneys, liver, tumour and the rest (Siebinga et al. 2023, CPT Pharmacometrics
Syst Pharmacol 12:1060). Dose of an organ: dD/dt = S·A. Repair: dR/dt = S·A − μR, and ∫S·A·R dt is the Lea–Catcheside term of the LQ
model for any course of dose rate (Dale 1985, Br J Radiol 58:515), so that BED = D + (2/(α/β))·∫S·A·R dt. With alphas `harm`
stands for S in both: √RBE times for their part (Zaider & Rossi 1980, Radiat Res 83:732). Marrow: progenitors M are killed
at ς·dose rate and grow back to 1, through three transits, to platelets (chain of Friberg et al. 2002, J Clin Oncol 20:4713; its feedback
replaced by growth to a ceiling). Tumour: burden N (1 before therapy) grows at γ and is killed at α·dose rate, and sheds PSA; its
compartment holds the activity of one unit of burden, so that dose is that of tissue as it is, and N of it is what the camera sees and
blood exchanges.
"""

from collections.abc import Mapping
from functools import cache

from gemel.core.network import Network, Reaction, loss
from gemel.engines.ode import System, compiled
from gemel.systems.theranostics.blood import decay, exchange

ORGANS = ("salivary", "kidney", "liver", "tumour")
REPAIRING = ("kidney", "tumour")
ACTIVE = ("blood", *ORGANS, "rest")
DOSED = (*ORGANS, "marrow")
CHAIN = ("transit_1", "transit_2", "transit_3", "platelets")
START: Mapping[str, float] = {"marrow": 1.0, **dict.fromkeys(CHAIN, 1.0), "burden": 1.0, "psa": 1.0}
"""Amounts before anything was given; all others are zero."""


@cache
def network(*, freed: bool = False) -> Network:
    """Species and reactions; the rate constants are those of `coefficients`. `freed`: with daughters that go to the kidneys."""
    reactions = (*_kinetics(), *_dose(), *_marrow(), *_tumour(), *(_freed() if freed else ()))
    damaged = tuple(name for organ in REPAIRING for name in (f"damage_{organ}", f"lethal_{organ}"))
    species = (*ACTIVE, *(f"dose_{organ}" for organ in DOSED), *damaged, *START)
    constants: list[str] = []
    for reaction in reactions:
        constants += [reaction.coefficient]
    return Network(species, tuple(dict.fromkeys(constants)), reactions)


def _kinetics() -> list[Reaction]:
    """Blood and normal organs; the tumour's compartment is that of one unit of burden."""
    reactions = exchange([organ for organ in (*ORGANS, "rest") if organ != "tumour"])
    reactions += [Reaction("to_tumour", ("blood",), (("tumour", 1.0),)), Reaction("to_tumour", ("blood", "burden"), (("blood", -1.0),))]
    reactions += [loss("tumour", "from_tumour"), Reaction("from_tumour", ("tumour", "burden"), (("blood", 1.0),))]
    return [*reactions, *decay(ACTIVE)]


def _dose() -> list[Reaction]:
    reactions = [Reaction(f"S_{organ}", (organ,), ((f"dose_{organ}", 1.0),)) for organ in ORGANS]
    reactions += [Reaction(f"S_marrow_{source}", (source,), (("dose_marrow", 1.0),)) for source in ("blood", "rest")]
    for organ in REPAIRING:
        damage = f"damage_{organ}"
        reactions.append(Reaction(f"harm_{organ}", (organ,), ((damage, 1.0),)))
        reactions.append(loss(damage, f"repair_{organ}"))
        reactions.append(Reaction(f"harm_{organ}", (organ, damage), ((f"lethal_{organ}", 1.0),)))
    return reactions


def _freed() -> list[Reaction]:
    """Daughters that left where their parent decayed, and decay in the kidneys; of the tumour as large as before therapy."""
    reactions = []
    for source in (name for name in ACTIVE if name != "kidney"):
        reactions.append(Reaction("freed", (source,), (("dose_kidney", 1.0),)))
        reactions.append(Reaction("harm_freed", (source,), (("damage_kidney", 1.0),)))
        reactions.append(Reaction("harm_freed", (source, "damage_kidney"), (("lethal_kidney", 1.0),)))
    return reactions


def _marrow() -> list[Reaction]:
    reactions = [
        Reaction("marrow_growth", ("marrow",), (("marrow", 1.0),)),
        Reaction("marrow_growth", ("marrow", "marrow"), (("marrow", -1.0),)),
        *(Reaction(f"marrow_kill_{source}", (source, "marrow"), (("marrow", -1.0),)) for source in ("blood", "rest")),
    ]
    for before, after in zip(("marrow", *CHAIN), CHAIN):
        reactions.append(Reaction("maturation", (before,), ((after, 1.0),)))
        reactions.append(loss(after, "maturation"))
    return reactions


def _tumour() -> list[Reaction]:
    return [
        Reaction("tumour_growth", ("burden",), (("burden", 1.0),)),
        Reaction("tumour_kill", ("tumour", "burden"), (("burden", -1.0),)),
        Reaction("psa_turnover", ("burden",), (("psa", 1.0),)),
        loss("psa", "psa_turnover"),
    ]


def system(*, freed: bool = False) -> System:
    """The network made ready; `compiled` remembers it."""
    return compiled(network(freed=freed), (("blood", ("blood",)),))
