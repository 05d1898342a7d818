"""Stopping power and range of electrons."""

import json
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.dose.media import DensityEffect, atoms, medium
from gemel.engines.dose.stopping_power import ELECTRON_MEV, K_MEV_CM2_MOL

E_MIN_MEV, E_MAX_MEV = 1e-4, 5.0
LOWEST_MEV = 1e-3
"""Below 1 keV the Bethe formula has no meaning: the stopping power is held at its value there. It is 0.05 µm of range in water."""
WATER_Z2_MOL_G = 66 / 18.0153  # Σ Z² per molar mass of water


def collision_MeV_cm2_g(energy_MeV: Float[Array, "..."] | float, *, tissue: str = "water") -> Float[Array, "..."]:
    """Mass collision stopping power S/ρ = ½ K (Z/A) β⁻² [ln(T²/I²) + ln(1 + τ/2) + F(τ) − δ], F = (1−β²)(1 + τ²/8 − (2τ+1) ln 2).

    Berger & Seltzer 1982, NBSIR 82-2550, after Rohrlich & Carlson 1954; δ of `media`. Without shell correction; held below 1 keV.
    """
    found = medium(tissue)
    energy = np.maximum(np.asarray(energy_MeV, dtype=np.float64), LOWEST_MEV)
    tau = energy / ELECTRON_MEV
    gamma2 = np.asarray((1 + tau) ** 2)
    beta2 = 1 - 1 / gamma2
    F = (1 + tau**2 / 8 - (2 * tau + 1) * np.log(2)) / gamma2
    number = 2 * np.log(1e6 * energy / found.I_eV) + np.log1p(tau / 2) + F - density_correction(gamma2, found.density_effect)
    return np.asarray(0.5 * K_MEV_CM2_MOL * found.Z_A_mol_g / beta2 * number)


def density_correction(gamma2: Float[Array, "..."], effect: DensityEffect) -> Float[Array, "..."]:
    """The density effect δ by Lorentz factor squared; zero below X₀ (insulators). Sternheimer 1952, Phys Rev 88:851."""
    X = 0.5 * np.log10(np.maximum(gamma2 - 1, 1e-12))
    straight = 2 * np.log(10) * X + effect.C
    bent = straight + effect.a * np.maximum(effect.x1 - X, 0.0) ** effect.m
    return np.asarray(np.where(effect.x0 > X, 0.0, np.where(effect.x1 > X, bent, straight)))


def radiative_MeV_cm2_g(energy_MeV: Float[Array, "..."] | float, *, tissue: str = "water") -> Float[Array, "..."]:
    """Mass radiative stopping power: that of water (reference in the file) times the ratio of Σ Z² per gram; 2 % of the whole at most."""
    table = _radiative()
    water = np.interp(np.log(np.asarray(energy_MeV, dtype=np.float64)), np.log(table[0]), table[1])
    return np.asarray(water * sum(Z * Z * moles for Z, moles in atoms(medium(tissue))) / WATER_Z2_MOL_G)


def csda_range_g_cm2(energy_MeV: Float[Array, "..."] | float, *, tissue: str = "water") -> Float[Array, "..."]:
    """Range ∫ dE / (S_col + S_rad) of the continuous-slowing-down approximation. Raises RangeError outside 0.1 keV to 5 MeV."""
    energy = np.asarray(energy_MeV, dtype=np.float64)
    if energy.size and not (np.isfinite(energy).all() and energy.min() >= E_MIN_MEV and energy.max() <= E_MAX_MEV):
        raise RangeError(f"electrons of {energy.min():g} to {energy.max():g} MeV", where="electron range", remedy="use 0.1 keV to 5 MeV")
    table = _ranges(tissue)
    return np.asarray(np.exp(np.interp(np.log(energy), table[0], table[1])))


def radiation_yield(energy_MeV: Float[Array, "..."] | float, *, tissue: str = "water") -> Float[Array, "..."]:
    """Share of the energy that leaves as bremsstrahlung while the electron slows down, (1/E) ∫ S_rad / (S_col + S_rad) dE."""
    table = _ranges(tissue)
    return np.asarray(np.interp(np.log(np.asarray(energy_MeV, dtype=np.float64)), table[0], table[2]))


@cache
def _ranges(tissue: str) -> tuple[Array, Array, Array]:
    """Rows of ln energy, ln range, and radiation yield."""
    energy = np.geomspace(E_MIN_MEV, E_MAX_MEV, 4000)
    radiative = radiative_MeV_cm2_g(energy, tissue=tissue)
    total = collision_MeV_cm2_g(energy, tissue=tissue) + radiative
    widths = np.diff(energy)
    path = E_MIN_MEV / total[0] + np.concatenate([[0.0], np.cumsum(widths * (1 / total[1:] + 1 / total[:-1]) / 2)])
    share = radiative / total
    radiated = np.concatenate([[0.0], np.cumsum(widths * (share[1:] + share[:-1]) / 2)])
    return np.log(energy), np.log(path), radiated / energy


@cache
def _radiative() -> tuple[tuple[float, ...], tuple[float, ...]]:
    table = json.loads(files("gemel.engines.dose.electron").joinpath("radiative.json").read_text(encoding="utf-8"))
    return tuple(table["energy_MeV"]), tuple(table["radiative_MeV_cm2_g"])
