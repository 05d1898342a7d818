"""Volumes, flows, permeabilities and receptors of the PSMA model from its parameters.

Fele-Paranj et al. 2024, EJNMMI Radiopharm Chem 9:6, doi 10.1186/s41181-023-00236-w.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, reduce
from importlib.resources import files

import numpy as np
from jaxtyping import Bool

from gemel.core.errors import RangeError
from gemel.core.image import Array

Numbers = dict[str, Array]
BINDING = ("kidney", "salivary", "liver", "spleen", "prostate", "gi", "tumor1", "tumor2", "tumor_rest")
TUMOURS = ("tumor1", "tumor2", "tumor_rest")
OPEN = ("liver", "spleen", "red_marrow", "lungs", "salivary")
OUTSIDE_PLASMA = ("salivary", "prostate", *TUMOURS)  # their vascular volume is of blood: times (1 - hematocrit)
REFERENCE_KG = 71.0
BRAIN_INTERSTITIAL_L = 1.0
KIDNEY_AND_LIVER = 0.19 + 0.065  # their part of the flow in the published model
LEAST_LEFT = 0.01  # of flow and of weight for the rest of the body: 0.044 and 0.11 as published; assumed
ARTERIAL_OF_V_P, VENOUS_OF_V_P = 0.06 + 0.045, 0.18 + 0.045


@dataclass(frozen=True)
class Physiology:
    """By tissue, each (draws,): volumes in L, plasma flows in L/min, permeability·surface in L/min, receptors in nmol."""

    total_L: Numbers
    vascular_L: Numbers
    interstitial_L: Numbers
    flow_L_min: Numbers
    PS_L_min: Numbers
    receptors_nmol: Numbers
    arterial_L: Array
    venous_L: Array
    lungs_L_min: Array
    filtered_L_min: Array


@cache
def tissues() -> dict[str, dict[str, float]]:
    """Tissues and the numbers of their volumes; empty cells are left out."""
    with files("gemel.systems.theranostics").joinpath("pbpk_psma_tissues.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return {row["name"]: {key: float(cell) for key, cell in row.items() if key != "name" and cell} for row in rows}


def added(values: Iterable[Array]) -> Array:
    """Sum in the order given, so that a person's numbers do not depend on how many there are."""
    return reduce(np.add, values)


def physiology(p: Numbers) -> Physiology:
    """All derived quantities. V_p = 2.8 (1 − H) BSA, F = 1.23 V_p, GFR = TER/3 · 201/151.

    Where the named tissues leave less than 1 % of flow or of weight to the rest of the body, all that are given as parts of it are
    lowered by one factor, so that 1 % is left. Raises RangeError when organs leave no room for that, or no plasma (see `possible`).
    """
    plasma_L = p["V_p_per_BSA_L_m2"] * (1 - p["hematocrit_1"]) * p["BSA_m2"]
    flow_L_min = p["F_per_V_p_1_min"] * plasma_L
    total = _totals(p)
    vascular = _vascular(p, total, plasma_L)
    interstitial = _interstitial(total, vascular)
    flows = _flows(p, total, flow_L_min)
    tumours = added([flows[name] for name in TUMOURS])
    for name, value, remedy in (
        ("volume", total["rest"], "lower kidney_L, liver_L, spleen_L, salivary_L, or raise weight_kg"),
        ("plasma", vascular["rest"], "lower liver_L, spleen_L, kidney_L, or raise V_p_per_BSA_L_m2, BSA_m2"),
        ("flow", flows["rest"], "lower f_salivary_mL_mL_min, f_prostate_mL_mL_min, or raise F_per_V_p_1_min"),
    ):
        if (value <= 0).any():
            raise RangeError(f"no {name} left for the rest of the body", where="PSMA PBPK", remedy=remedy)
    return Physiology(
        total_L=total,
        vascular_L=vascular,
        interstitial_L=interstitial,
        flow_L_min=flows,
        PS_L_min=_permeability(p, total),
        receptors_nmol=_receptors(p, total),
        arterial_L=ARTERIAL_OF_V_P * plasma_L,
        venous_L=VENOUS_OF_V_P * plasma_L,
        lungs_L_min=flow_L_min + p["lungs_carry_tumour_flow_1"] * tumours,
        filtered_L_min=p["TER_L_min"] / 3 * 201 / 151 * p["phi_1"],
    )


def possible(p: Numbers) -> Bool[Array, "draws"]:
    """Which draws `physiology` has room for."""
    total = _totals(p)
    plasma_L = p["V_p_per_BSA_L_m2"] * (1 - p["hematocrit_1"]) * p["BSA_m2"]
    flows = _flows(p, total, p["F_per_V_p_1_min"] * plasma_L)
    return np.asarray((total["rest"] > 0) & (_vascular(p, total, plasma_L)["rest"] > 0) & (flows["rest"] > 0))


def _lowered(parts: Array, given: Array, whole: Array) -> Array:
    """The factor, up to 1, by which parts are lowered that with what is given would leave less than `LEAST_LEFT` of the whole."""
    return np.asarray(np.minimum(1.0, ((1 - LEAST_LEFT) * whole - given) / parts))


def _totals(p: Numbers) -> Numbers:
    """Tissue volumes: own parameters, or a part of the body at 71 kg scaled with weight (1 kg = 1 L)."""
    scale = p["weight_kg"] / REFERENCE_KG
    scaled = {name: row["mass_per_71_kg"] * scale for name, row in tissues().items() if "mass_per_71_kg" in row}
    scaled["bone"] = scaled["bone"] - scaled["red_marrow"]
    own = {name: p[f"{name}_L"] for name in ("kidney", "salivary", "liver", "spleen")}
    factor = _lowered(added(scaled.values()), added(own.values()), p["weight_kg"])
    total = {name: value * factor for name, value in scaled.items()} | own
    total["rest"] = p["weight_kg"] - added(total.values())
    total |= {name: p[f"{name}_L"] for name in ("tumor1", "tumor2")}
    return total | {"tumor_rest": p["N_tumor_rest_nmol"] / p["R_tumor_rest_nmol_L"]}


def _vascular(p: Numbers, total: Numbers, plasma_L: Array) -> Numbers:
    vascular = {name: row["vascular_of_V_p"] * plasma_L for name, row in tissues().items() if "vascular_of_V_p" in row}
    for name, row in tissues().items():
        if "vascular_of_tissue" in row:
            plasma = 1 - p["hematocrit_1"] if name in OUTSIDE_PLASMA else 1.0
            vascular[name] = row["vascular_of_tissue"] * plasma * total[name]
    vascular["bone"] = vascular["bone"] - vascular["red_marrow"]
    normal = [value for name, value in vascular.items() if name not in TUMOURS]
    return vascular | {"rest": plasma_L - added(normal)}


def _interstitial(total: Numbers, vascular: Numbers) -> Numbers:
    found = {"brain": np.full_like(vascular["brain"], BRAIN_INTERSTITIAL_L)}
    for name, row in tissues().items():
        if "interstitial_of_tissue" in row:
            found[name] = row["interstitial_of_tissue"] * total[name]
        elif "interstitial_of_vascular" in row:
            found[name] = row["interstitial_of_vascular"] * vascular[name]
    return found


def _flows(p: Numbers, total: Numbers, flow_L_min: Array) -> Numbers:
    """Plasma flow to each tissue; tumours are fed besides the total of the normal tissues, as published."""
    parts = {name: p[f"flow_{name}_1"] * flow_L_min for name in tissues() if f"flow_{name}_1" in p}
    left = np.maximum(1 - p["flow_kidney_1"] - p["flow_liver_1"], 0.0) / (1 - KIDNEY_AND_LIVER)
    parts |= {name: flow * left ** p["flow_shared_1"] for name, flow in parts.items() if name not in ("kidney", "liver")}
    own = {
        "salivary": p["f_salivary_mL_mL_min"] * total["salivary"],
        "prostate": p["f_prostate_mL_mL_min"] * (1 - p["hematocrit_1"]) * total["prostate"],
    }
    factor = _lowered(added(parts.values()), added(own.values()), flow_L_min)
    flows = {name: flow * factor for name, flow in parts.items()} | own
    flows["rest"] = flow_L_min - added(flows.values())
    tumours = {name: p[f"f_{'tumor1' if name == 'tumor_rest' else name}_mL_mL_min"] * total[name] for name in TUMOURS}
    return flows | tumours


def _permeability(p: Numbers, total: Numbers) -> Numbers:
    """PS = k_PS · volume; the kidney filters instead."""
    tight = p["k_PS_muscle_1_min"]
    wide = tight * p["k_PS_open_per_muscle_1"]
    own = {name: p[f"k_PS_{name}_1_min"] for name in total if f"k_PS_{name}_1_min" in p}
    return {name: own.get(name, wide if name in OPEN else tight) * volume for name, volume in total.items() if name != "kidney"}


def _receptors(p: Numbers, total: Numbers) -> Numbers:
    density = {name: p[f"R_{name}_nmol_L"] for name in ("tumor1", "tumor2", "tumor_rest", "salivary", "kidney")}
    density["prostate"] = p["R_prostate_per_tumor_rest_1"] * density["tumor_rest"]
    density |= {name: p[f"R_{name}_per_prostate_1"] * density["prostate"] for name in ("gi", "liver", "spleen")}
    return {name: value * total[name] for name, value in density.items()}
