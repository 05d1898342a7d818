"""Media in which radionuclides decay: density, composition, and the constants of the electronic stopping power."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from gemel.core.errors import RangeError
from gemel.engines.dose.stopping_power import elements, mixture

PLASMA_EV = 28.816  # ħω_p = 28.816 √(ρ Z/A) eV, ρ in g/cm³. ICRU Report 37 (1984)
LIGHT_I_EV = 100.0
"""Below this mean excitation energy a condensed medium has the first set of limits of Sternheimer & Peierls 1971."""


@dataclass(frozen=True)
class DensityEffect:
    """Constants of δ = 2 ln10 X + C + a (X₁ − X)^m, X = log₁₀ βγ. Sternheimer 1952, Phys Rev 88:851."""

    C: float
    x0: float
    x1: float
    a: float
    m: float


@dataclass(frozen=True)
class Medium:
    """A uniform medium: mass fractions by element symbol, electrons per molar mass, mean excitation energy, density effect."""

    name: str
    density_g_cm3: float
    weights: tuple[tuple[str, float], ...]
    Z_A_mol_g: float
    I_eV: float
    density_effect: DensityEffect


def media() -> tuple[str, ...]:
    """Names that `medium` knows."""
    return tuple(_file()["media"])


def medium(name: str) -> Medium:
    """The medium of this name: "soft", "bone" (cortical), "lung" or "water". Raises RangeError for another name.

    Mean excitation energies by Bragg's rule, ICRU Report 37 (1984); the file holds the references of compositions and densities.
    """
    if not isinstance(name, str) or name not in media():
        raise RangeError(f"a tissue named {name!r}", where="tissue", remedy=f"use one of {', '.join(media())}")
    return _known(name)


@cache
def _known(name: str) -> Medium:
    found = _file()["media"][name]
    weights = {str(symbol): float(w) for symbol, w in found["weights"].items()}
    material = mixture(weights)
    I_eV, density = float(found.get("I_eV", material.I_eV)), float(found["density_g_cm3"])
    given = found.get("density_effect")
    effect = DensityEffect(**given) if given else general_density_effect(I_eV, density * material.Z_A_mol_g)
    total = sum(weights.values())
    return Medium(name, density, tuple((s, w / total) for s, w in weights.items()), material.Z_A_mol_g, I_eV, effect)


def general_density_effect(I_eV: float, electrons_mol_cm3: float) -> DensityEffect:
    """Density effect of a condensed medium from I and its electron density. Sternheimer & Peierls 1971, Phys Rev B 3:3681."""
    C = -(2 * float(np.log(I_eV / (PLASMA_EV * np.sqrt(electrons_mol_cm3)))) + 1)
    x1, bound = (2.0, 3.681) if I_eV < LIGHT_I_EV else (3.0, 5.215)
    x0 = 0.2 if bound + C > 0 else 0.326 * -C - (1.0 if I_eV < LIGHT_I_EV else 1.5)
    return DensityEffect(C, x0, x1, (-C - 2 * float(np.log(10)) * x0) / (x1 - x0) ** 3, 3.0)


def atoms(found: Medium) -> tuple[tuple[float, float], ...]:
    """Atomic number, and moles of atoms per gram of the medium, element by element."""
    return tuple((float(elements()[symbol]["Z"]), weight / float(elements()[symbol]["A"])) for symbol, weight in found.weights)


@cache
def _file() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files("gemel.engines.dose").joinpath("tissue_media.json").read_text(encoding="utf-8"))
    return loaded
