"""Stopping power of protons by the Bethe formula, and the range in water that follows from it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array

PROTON_MEV = 938.27209  # CODATA 2018
ELECTRON_MEV = 0.51099895  # CODATA 2018
K_MEV_CM2_MOL = 0.307075  # 4π N_A r_e² m_e c², Particle Data Group 2022, passage of particles through matter
E_MIN_MEV, E_MAX_MEV = 1.0, 400.0
R_MIN_CM = 2.458e-3  # CSDA range in water at E_MIN_MEV, NIST PSTAR (ICRU Report 49, 1993)
SHELL_ETA_MIN = 0.13  # below this the Barkas & Berger shell correction is not valid and is held


@dataclass(frozen=True)
class Material:
    """What the Bethe formula needs: electrons per molar mass, the mean electrons per atom of the shell term, excitation energy."""

    Z_A_mol_g: float
    Z: float
    I_eV: float


WATER = Material(Z_A_mol_g=10.0 / 18.0153, Z=10.0, I_eV=75.0)  # I: ICRU Report 49 (1993)


def stopping_power_MeV_cm2_g(energy_MeV: Float[Array, "..."] | float, material: Material = WATER) -> Float[Array, "..."]:
    """Mass electronic stopping power S/ρ = K (Z/A) β⁻² [½ ln(2 m c² β²γ² W/I²) − β² − C/Z], W the largest energy transfer.

    Bethe formula as in ICRU Report 49 (1993); shell correction C of Barkas & Berger 1964, NASA SP-3013.
    Without Barkas, Bloch and density terms; valid 1 to 400 MeV.
    """
    gamma = 1 + np.asarray(energy_MeV, dtype=np.float64) / PROTON_MEV
    eta2 = np.asarray(gamma * gamma - 1)
    beta2 = eta2 / (gamma * gamma)
    ratio = ELECTRON_MEV / PROTON_MEV
    transfer_eV = 2e6 * ELECTRON_MEV * eta2 / (1 + 2 * gamma * ratio + ratio * ratio)
    number = 0.5 * np.log(2e6 * ELECTRON_MEV * eta2 * transfer_eV / material.I_eV**2) - beta2
    return np.asarray(K_MEV_CM2_MOL * material.Z_A_mol_g / beta2 * (number - _shell(eta2, material.I_eV) / material.Z))


def _shell(eta2: Float[Array, "..."], I_eV: float) -> Float[Array, "..."]:
    """Shell correction C(I, η) per atom, held below η = 0.13. Barkas & Berger 1964, NASA SP-3013."""
    x = 1 / np.maximum(eta2, SHELL_ETA_MIN**2)
    second = 0.422377 * x + 0.0304043 * x**2 - 0.00038106 * x**3
    third = 3.858019 * x - 0.1667989 * x**2 + 0.00157955 * x**3
    return np.asarray(second * 1e-6 * I_eV**2 + third * 1e-9 * I_eV**3)


@cache
def _range_table() -> tuple[Array, Array]:
    energy_MeV = np.geomspace(E_MIN_MEV, E_MAX_MEV, 6000)
    slope = 1 / stopping_power_MeV_cm2_g(energy_MeV)
    steps = np.diff(energy_MeV) * (slope[1:] + slope[:-1]) / 2
    return energy_MeV, 10 * np.concatenate([[R_MIN_CM], R_MIN_CM + np.cumsum(steps)])


def csda_range_mm(energy_MeV: Float[Array, "..."] | float) -> Float[Array, "..."]:
    """Range in water in the continuous-slowing-down approximation, ∫ dE / S(E). Raises RangeError outside 1 to 400 MeV."""
    table_MeV, table_mm = _range_table()
    energy = np.asarray(energy_MeV, dtype=np.float64)
    if energy.size and (not np.isfinite(energy).all() or energy.min() < E_MIN_MEV or energy.max() > E_MAX_MEV):
        raise RangeError(f"{energy.min():g} to {energy.max():g} MeV", where="range in water", remedy="use 1 to 400 MeV")
    return np.asarray(np.interp(energy, table_MeV, table_mm))


def energy_at_range_MeV(range_mm: Float[Array, "..."]) -> Float[Array, "..."]:
    """Energy that is left to a proton with this residual range in water; inverse of `csda_range_mm`, held at 1 MeV below 25 µm."""
    table_MeV, table_mm = _range_table()
    return np.asarray(np.interp(range_mm, table_mm, table_MeV))


@cache
def elements() -> Mapping[str, Mapping[str, float | int]]:
    """Atomic number Z, standard atomic weight A and mean excitation energy I_eV by symbol; references in elements.json."""
    text = files("gemel.engines.dose").joinpath("elements.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, float | int]] = json.loads(text)["elements"]
    return loaded


def mixture(weights: Mapping[str, float]) -> Material:
    """Material of mass fractions by Bragg's rule, ln I = Σ w (Z/A) ln I / Σ w (Z/A). ICRU Report 49 (1993)."""
    unknown = sorted(set(weights) - set(elements()))
    if unknown:
        raise RangeError(f"no data for element {', '.join(unknown)}", where="mixture", remedy=f"use {', '.join(elements())}")
    total = sum(weights.values())
    electrons = {name: w / total * elements()[name]["Z"] / elements()[name]["A"] for name, w in weights.items()}
    atoms = sum(w / total / elements()[name]["A"] for name, w in weights.items())
    Z_A = sum(electrons.values())
    log_I = sum(e * np.log(elements()[name]["I_eV"]) for name, e in electrons.items()) / Z_A
    return Material(Z_A, Z_A / atoms, float(np.exp(log_I)))


def relative_stopping_power(density_g_cm3: float, material: Material, energy_MeV: float = 150.0) -> float:
    """Linear stopping power relative to water of density 1 g/cm³, shell terms left out of the ratio.

    ρ (Z/A) L(I) / (Z/A)_w L(I_w). Schneider U et al. 1996, Phys Med Biol 41:111. It varies by less than 1 % over 50-250 MeV.
    """
    return density_g_cm3 * material.Z_A_mol_g / WATER.Z_A_mol_g * _number(energy_MeV, material.I_eV) / _number(energy_MeV, 75.3)


def _number(energy_MeV: float, I_eV: float) -> float:
    eta2 = (1 + energy_MeV / PROTON_MEV) ** 2 - 1
    return float(np.log(2e6 * ELECTRON_MEV * eta2 / I_eV) - eta2 / (1 + eta2))
