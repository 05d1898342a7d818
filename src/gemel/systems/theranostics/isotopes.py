"""Nuclides that a cycle may be given with: what each leaves in an organ, how much of it by alphas, and which daughter moves."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gemel.core.errors import InputError
from gemel.engines.decay import emissions, nuclide
from gemel.engines.dose.kernel import point_kernel, sphere_S

J_keV = 1.602176634e-16
S_H = 3600.0
DENSELY = 0.5
"""A nuclide with more of its local energy in alphas is given a weight for them."""


@dataclass(frozen=True)
class Isotope:
    """Activities of a cycle to choose from, the usual one, the daughter that moves ("": none), and the ligand per activity."""

    name: str
    activities_MBq: tuple[float, ...]
    usual_MBq: float
    moves: str
    ligand_nmol_MBq: float


@dataclass(frozen=True)
class Label:
    """Gy/(MBq h) by organ with all daughters in place, and the part of it that moves; share of alphas; local energy; decay; ligand.

    `alpha_1` is that of the energy which stays near: alphas and recoil over these and electrons. `ligand_1`: usual ligand of a
    megabecquerel over that of the label which the kinetics were learnt with.
    """

    S_Gy_MBq_h: Mapping[str, float]
    moving_S_Gy_MBq_h: Mapping[str, float]
    alpha_1: float
    energy_Gy_kg_MBq_h: float
    decay_1_h: float
    ligand_1: float


@cache
def isotopes() -> Mapping[str, Isotope]:
    """The table that comes with gemel; each row carries its reference there."""
    table = json.loads(files(__package__).joinpath("isotopes.json").read_text(encoding="utf-8"))
    rows = table["isotopes"]
    return {
        row["nuclide"]: Isotope(
            row["nuclide"],
            tuple(map(float, row["activities_MBq"])),
            row["usual_MBq"],
            row["moves"],
            table["ligand_nmol"] / row["usual_MBq"],
        )
        for row in rows
    }


def isotope(name: str) -> Isotope:
    """One of the table. Raises InputError, which names them, for another."""
    if name not in isotopes():
        raise InputError(f"no activities to choose for {name!r}", where="isotopes", remedy=f"choose from {', '.join(isotopes())}")
    return isotopes()[name]


def label_of(name: str, parts_g: Mapping[str, Sequence[float]], *, own: str, marrow_from_rest_Gy_MBq_h: float) -> Label:
    """Of a nuclide in organs whose parts have those masses (g), each part a sphere with the activity of all shared by mass.

    `marrow_from_rest_Gy_MBq_h`: photons of the body to the marrow, of the `own` label; of this one in the ratio of their energy.
    Raises InputError for a nuclide without a row in the table.
    """
    moves = {isotope(name).moves: 1.0} if isotope(name).moves else 0.0
    S = {organ: spheres_Gy_MBq_h(name, masses) for organ, masses in parts_g.items()}
    held = {organ: spheres_Gy_MBq_h(name, masses, moves) for organ, masses in parts_g.items()}
    electron_keV, photon_keV, alpha_keV = point_kernel(name, daughters=True).emitted_keV
    photons = photon_keV / point_kernel(own, daughters=True).emitted_keV[1]
    energy = (electron_keV + alpha_keV) * J_keV * 1e6 * S_H
    return Label(
        {**S, "marrow_rest": marrow_from_rest_Gy_MBq_h * photons},
        {organ: S[organ] - held[organ] for organ in S},
        alpha_keV / (alpha_keV + electron_keV),
        energy,
        math.log(2) / nuclide(name).half_life_s * S_H,
        isotope(name).ligand_nmol_MBq / isotope(own).ligand_nmol_MBq,
    )


def spheres_Gy_MBq_h(name: str, masses_g: Sequence[float], relocated: float | Mapping[str, float] = 0.0) -> float:
    """Mean dose of parts with the activity of all, shared by mass: Σ S(m_i)·(m_i/m)² over the parts' masses, with daughters."""
    total = sum(masses_g)
    each = (sphere_S(name, m, daughters=True, relocated=relocated) * (m / total) ** 2 for m in masses_g)
    return float(sum(each)) * 1e6 * S_H


def emits_alphas(name: str) -> bool:
    """Whether most of what stays near is given by alphas, its own or its daughters'."""
    found = emissions(name, chain=True)
    near_keV = found.alpha_mean_keV + found.recoil_mean_keV
    return near_keV > DENSELY * (near_keV + found.beta_mean_keV + found.electron_mean_keV)
