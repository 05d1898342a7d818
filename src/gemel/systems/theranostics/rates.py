"""Rate constants of the network from a patient's parameters, his body, and the law that holds."""

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params
from gemel.core.image import Array
from gemel.systems.theranostics import network
from gemel.systems.theranostics.body import Body, label
from gemel.systems.theranostics.cold_mass import ligand_nmol, uptake_ratio
from gemel.systems.theranostics.isotopes import Label
from gemel.systems.theranostics.laws import Law
from gemel.systems.theranostics.population import population

BLOOD_kg_L = 1.06


def coefficients(body: Body, params: Params, law: Law) -> Float[Array, "draws coefficients"]:
    """The network's rate constants (1/h; Gy/(MBq h) for S) of every draw under a law."""
    used = label(body, law.agent.nuclide)
    named = {name.removesuffix("_1_h"): values for name, values in params.items() if name.endswith("_1_h")}
    named |= _uptake(body, params, law, used) | _dose(used, params)
    named |= _effect(named, used, params) | _constants(used, params)
    return np.stack([named[name] for name in network.network(freed=moves(used)).coefficients], axis=1)


def moves(used: Label) -> bool:
    """Whether a daughter of the label leaves the place of its parent."""
    return any(S > 0 for S in used.moving_S_Gy_MBq_h.values())


def weight_1(used: Label, params: Params, organ: str, *, root: bool = False) -> Float[Array, "draws"]:
    """1 − a + a·RBE (or √RBE, of damage that meets other damage), a the share of alphas. Zaider & Rossi 1980, Radiat Res 83:732."""
    if used.alpha_1 == 0:
        return np.ones_like(params["central_volume_L"])
    rbe = params["tumour_rbe_1" if organ == "tumour" else "organ_rbe_1"]
    return np.asarray(1 - used.alpha_1 + used.alpha_1 * (np.sqrt(rbe) if root else rbe))


def _uptake(body: Body, params: Params, law: Law, used: Label) -> dict[str, Array]:
    """Uptake with this ligand: more of it in all, less of each becquerel. Glands saturate by themselves with the usual amount."""
    ratio = {organ: _ligand_ratio(body, law, organ) for organ in network.ORGANS}
    to_salivary = params["to_salivary_1_h"] * ratio["salivary"]
    return {
        "to_kidney": params["to_kidney_1_h"] * (params["kidney_next_ratio_1"] if law.later else 1.0) * ratio["kidney"],
        "to_tumour": params["to_tumour_1_h_g"] * body.tumour_g * ratio["tumour"],
        "to_liver": params["to_liver_1_h"] * ratio["liver"],
        "to_salivary": to_salivary,
        "saturated_salivary": to_salivary / params["salivary_capacity_MBq"] * used.ligand_1,
    }


def _ligand_ratio(body: Body, law: Law, organ: str) -> float:
    """Uptake of a becquerel over that of the first cycle, from which the rate constants are learnt."""
    table = body.displaced.get(law.agent.nuclide)
    if table is None:
        return 1.0
    first_nmol = ligand_nmol(body.displaced[""], body.given[0][1], -1.0)
    usual_nmol = ligand_nmol(table, law.activity_MBq, -1.0) if organ == "salivary" else first_nmol
    return uptake_ratio(table, organ, ligand_nmol(table, law.activity_MBq, law.agent.cold_nmol), usual_nmol=usual_nmol)


def _dose(used: Label, params: Params) -> dict[str, Array]:
    """S of organs and marrow, and of daughters that decay in the kidneys after they left another place."""
    one = np.ones_like(params["central_volume_L"])
    away = params["relocated_1"] if moves(used) else 0.0 * one
    size = {"kidney": params["kidney_S_ratio_1"], "tumour": params["tumour_S_ratio_1"]}
    found = {
        f"S_{organ}": (used.S_Gy_MBq_h[organ] * one - away * used.moving_S_Gy_MBq_h.get(organ, 0.0)) * size.get(organ, 1.0)
        for organ in network.ORGANS
    }
    found["S_marrow_blood"] = params["marrow_dose_ratio_1"] * used.energy_Gy_kg_MBq_h / (BLOOD_kg_L * params["central_volume_L"])
    found["S_marrow_rest"] = used.S_Gy_MBq_h["marrow_rest"] * params["marrow_dose_ratio_1"]
    if moves(used):
        found["freed"] = away * params["freed_to_kidney_1"] * used.moving_S_Gy_MBq_h["kidney"] * size["kidney"]
    return found


def _effect(S: dict[str, Array], used: Label, params: Params) -> dict[str, Array]:
    """What dose rate does, alphas counted as often as they do harm."""
    found = {f"harm_{organ}": S[f"S_{organ}"] * weight_1(used, params, organ, root=True) for organ in network.REPAIRING}
    if moves(used):
        found["harm_freed"] = S["freed"] * weight_1(used, params, "kidney", root=True)
    marrow = params["marrow_kill_1_Gy"] * weight_1(used, params, "marrow")
    found |= {f"marrow_kill_{source}": marrow * S[f"S_marrow_{source}"] for source in ("blood", "rest")}
    return found | {"tumour_kill": params["tumour_kill_1_Gy"] * S["S_tumour"] * weight_1(used, params, "tumour")}


def _constants(used: Label, params: Params) -> dict[str, Array]:
    fixed, one = population().fixed, np.ones_like(params["central_volume_L"])
    halved = {"repair_tumour": fixed["tumour_repair_h"], "psa_turnover": fixed["psa_half_life_h"]}
    found = {name: np.log(2) / half_h * one for name, half_h in halved.items()}
    found |= {"repair_kidney": np.log(2) / params["kidney_repair_h"]}
    return found | {"decay": used.decay_1_h * one, "maturation": fixed["maturation_1_h"] * one}
