"""The PSMA model as a network of hot and cold ligand. Fele-Paranj et al. 2024, EJNMMI Radiopharm Chem 9:6, doi 10.1186/s41181-023-00236-w.

A tissue i with receptors (amounts N in nmol, volumes in L, minutes; hot and cold alike):
dN_vas/dt = F (N_art/V_art − N_vas/V_vas) − PS (N_vas/V_vas − N_int/V_int), dN_int/dt = PS (…) − k_on N_int/V_int R + k_off N_bound,
dN_bound/dt = k_on N_int/V_int R − (k_off + λ_int) N_bound, dN_intern/dt = λ_int N_bound − λ_rel N_intern, R = R₀ − bound hot − bound cold;
hot ligand decays at λ_p and stays, cold, where it is. R is written out, so that every rate is a product of at most two amounts.
"""

from functools import cache

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.core.network import Network, Reaction, loss, transfer
from gemel.systems.theranostics.pbpk_physiology import BINDING, Numbers, Physiology, added, physiology, tissues

LIGANDS = ("hot", "cold")
PORTAL = ("spleen", "gi")
SPACES = {name: ("vas", "int", *(("bound", "intern") if name in BINDING else ())) for name in (*BINDING, *tissues())}
PLACES = ("art", "vein", *(f"{tissue}.{space}" for tissue, spaces in SPACES.items() for space in spaces), "kidney.intera")


@cache
def network() -> Network:
    """Species `hot.kidney.vas` and so on; the same for every parameter set."""
    reactions = [r for ligand in LIGANDS for r in (*_circulation(ligand), *_exchange(ligand), *_binding(ligand), *_kidney(ligand))]
    reactions += [r for place in PLACES for r in _decay(place)]
    names = dict.fromkeys(name for r in reactions for name in (r.coefficient,))
    return Network(tuple(f"{ligand}.{place}" for ligand in LIGANDS for place in PLACES), tuple(names), tuple(reactions))


def _circulation(ligand: str) -> list[Reaction]:
    """Vein → lungs → artery → tissues → vein, gut and spleen by way of the liver."""
    found = [transfer(f"{ligand}.vein", f"{ligand}.lungs.vas", "vein>lungs"), transfer(f"{ligand}.lungs.vas", f"{ligand}.art", "lungs>art")]
    for tissue in SPACES:
        if tissue != "lungs":
            to = "liver.vas" if tissue in PORTAL else "vein"
            found.append(transfer(f"{ligand}.art", f"{ligand}.{tissue}.vas", f"art>{tissue}"))
            found.append(transfer(f"{ligand}.{tissue}.vas", f"{ligand}.{to}", f"{tissue}>"))
    return found


def _exchange(ligand: str) -> list[Reaction]:
    found = []
    for tissue in SPACES:
        if tissue != "kidney":
            back = "skin.int>vas cold" if (tissue, ligand) == ("skin", "cold") else f"{tissue}.int>vas"
            vascular, interstitial = f"{ligand}.{tissue}.vas", f"{ligand}.{tissue}.int"
            found += [transfer(vascular, interstitial, f"{tissue}.vas>int"), transfer(interstitial, vascular, back)]
    return found


def _binding(ligand: str) -> list[Reaction]:
    found = []
    for tissue in BINDING:
        vascular, free, bound, intern = (f"{ligand}.{tissue}.{space}" for space in SPACES[tissue])
        bind = ((free, -1.0), (bound, 1.0))
        found.append(Reaction(f"{tissue}.k_on R0", (free,), bind))
        found += [Reaction(f"{tissue}.-k_on", (free, f"{other}.{tissue}.bound"), bind) for other in LIGANDS]
        found += [transfer(bound, free, "k_off"), transfer(bound, intern, f"{tissue}.internalise")]
        found += [loss(intern, f"{tissue}.release out"), transfer(intern, vascular, f"{tissue}.release back")]
    return found


def _kidney(ligand: str) -> list[Reaction]:
    """Filtration; of what is filtered a part leaves with the urine, the rest passes through cells back to the plasma."""
    vascular, free, cells = (f"{ligand}.kidney.{space}" for space in ("vas", "int", "intera"))
    return [
        transfer(vascular, free, "kidney.filter"),
        transfer(free, cells, "kidney.reabsorb"),
        transfer(cells, vascular, "kidney.return"),
        loss(free, "kidney.excrete"),
    ]


def _decay(place: str) -> list[Reaction]:
    where = " in cells" if place == "kidney.intera" else ""
    return [transfer(f"hot.{place}", f"cold.{place}", f"decay to cold{where}"), loss(f"hot.{place}", f"decay out{where}")]


def coefficients(p: Numbers) -> Float[Array, "draws c"]:
    """Values of the network's coefficients from checked parameters, 1/min and 1/(nmol min)."""
    body = physiology(p)
    found = _flow_values(p, body) | _exchange_values(p, body) | _binding_values(p, body) | _kidney_values(p, body)
    for where, decays in (("", p["lambda_physical_1_min"]), (" in cells", p["lambda_physical_1_min"] * p["kidney_cells_decay_1"])):
        found[f"decay to cold{where}"] = decays * p["decayed_stays_cold_1"]
        found[f"decay out{where}"] = decays * (1 - p["decayed_stays_cold_1"])
    return np.stack([found[name] for name in network().coefficients], axis=1)


def _flow_values(p: Numbers, body: Physiology) -> Numbers:
    found = {"vein>lungs": body.lungs_L_min / body.venous_L, "lungs>art": body.lungs_L_min / body.vascular_L["lungs"]}
    for tissue, flow in body.flow_L_min.items():
        portal = added(body.flow_L_min[name] for name in PORTAL) if tissue == "liver" else 0.0
        found[f"art>{tissue}"] = flow / body.arterial_L
        found[f"{tissue}>"] = (flow + p["liver_drains_portal_1"] * portal) / body.vascular_L[tissue]
    return found


def _exchange_values(p: Numbers, body: Physiology) -> Numbers:
    found = {}
    for tissue, PS in body.PS_L_min.items():
        found[f"{tissue}.vas>int"] = PS / body.vascular_L[tissue]
        found[f"{tissue}.int>vas"] = PS / body.interstitial_L[tissue]
    right, own = found["skin.int>vas"], p["skin_return_own_volume_1"]
    return found | {"skin.int>vas cold": right, "skin.int>vas": own * right + (1 - own) * found["skin.vas>int"]}


def _binding_values(p: Numbers, body: Physiology) -> Numbers:
    found = {"k_off": p["k_off_1_min"]}
    for tissue, receptors in body.receptors_nmol.items():
        per_nmol = p["k_on_L_nmol_min"] / body.interstitial_L[tissue]
        release = _release(p, tissue)
        found[f"{tissue}.k_on R0"], found[f"{tissue}.-k_on"] = per_nmol * receptors, -per_nmol
        found[f"{tissue}.internalise"] = p.get(f"lambda_int_{tissue}_1_min", p["lambda_int_tumor1_1_min"])
        found[f"{tissue}.release out"] = release * (1 - p["released_returns_1"])
        found[f"{tissue}.release back"] = release * p["released_returns_1"]
    return found


def _release(p: Numbers, tissue: str) -> Array:
    if tissue == "tumor_rest":
        return (p["lambda_rel_tumor1_1_min"] + p["lambda_rel_tumor2_1_min"]) / 2
    return p.get(f"lambda_rel_{tissue}_1_min", p["lambda_rel_kidney_1_min"])


def _kidney_values(p: Numbers, body: Physiology) -> Numbers:
    vascular, free = body.vascular_L["kidney"], body.interstitial_L["kidney"]
    cells = (body.total_L["kidney"] - vascular - free) * 2 / 3
    back, own = body.filtered_L_min * (1 - p["f_exc_1"]), p["kidney_return_own_volume_1"]
    return {
        "kidney.filter": body.filtered_L_min / vascular,
        "kidney.reabsorb": back / free,
        "kidney.return": back * (own / cells + (1 - own) / 1.0),
        "kidney.excrete": body.filtered_L_min * p["f_exc_1"] / free,
    }
