"""Materials that a CT scanner meets: tissues, phantom plastics, filters, metals, contrast agent, scintillators."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.devices.ct.attenuation import energy_transfer_cm2_g, mass_attenuation_cm2_g

MOST_IODINE_MG_ML = 370.0
"""The strongest contrast agent sold; nothing in a body holds more."""


@dataclass(frozen=True)
class Substance:
    """Density and mass fractions by element symbol (they sum to one)."""

    name: str
    density_g_cm3: float
    weights: Mapping[str, float]


def materials() -> tuple[str, ...]:
    """Names that `material` knows."""
    return tuple(_file())


def material(name: str) -> Substance:
    """A substance by its name, from ICRU Reports 44 and 46 and chemical formulas (the file has the references). Raises RangeError."""
    if name not in materials():
        raise RangeError(f"a material named {name!r}", where="material", remedy=f"use one of {', '.join(materials())}")
    row = _file()[name]
    whole = sum(row["weights"].values())
    return Substance(name, float(row["density_g_cm3"]), {symbol: w / whole for symbol, w in row["weights"].items()})


def iodinated(base: Substance, iodine_mg_mL: float) -> Substance:
    """The substance with this much iodine dissolved in each millilitre, its own volume unchanged. Raises RangeError beyond 370 mg/mL."""
    if not 0 <= iodine_mg_mL <= MOST_IODINE_MG_ML:
        raise RangeError(f"{iodine_mg_mL:g} mg of iodine per mL", where="iodinated", remedy="use 0 to 370 mg/mL (0.5 to 20 in tissue)")
    added = iodine_mg_mL / 1000
    density = base.density_g_cm3 + added
    weights = {symbol: w * base.density_g_cm3 / density for symbol, w in base.weights.items()}
    return Substance(
        f"{base.name} with {iodine_mg_mL:g} mg/mL of iodine", density, {**weights, "I": weights.get("I", 0.0) + added / density}
    )


def attenuation_1_cm(substance: Substance, energy_keV: Float[Array, "..."]) -> Float[Array, "..."]:
    """Linear attenuation coefficient μ = ρ (μ/ρ)."""
    return np.asarray(substance.density_g_cm3 * mass_attenuation_cm2_g(substance.weights, energy_keV))


def energy_transfer_1_cm(substance: Substance, energy_keV: Float[Array, "..."]) -> Float[Array, "..."]:
    """Linear energy-transfer coefficient μ_tr = ρ (μ_tr/ρ)."""
    return np.asarray(substance.density_g_cm3 * energy_transfer_cm2_g(substance.weights, energy_keV))


@cache
def _file() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files("gemel.devices.ct").joinpath("materials.json").read_text(encoding="utf-8"))
    return dict(loaded["materials"])
