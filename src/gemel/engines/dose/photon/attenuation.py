"""Photoelectric absorption, Compton scattering and pair production per gram of tissue."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.dose.electron.cross_sections import AVOGADRO_R_E2_CM2
from gemel.engines.dose.media import medium
from gemel.engines.dose.stopping_power import ELECTRON_MEV

OF = {"water": "water", "soft": "soft", "lung": "soft", "bone": "bone"}
"""Whose coefficients a tissue has."""
PHOTO_MEV = 0.06  # up to here photoelectric absorption is read from the table, above it falls as it does from 40 to 60 keV
PAIR_MEV = 1.022


@dataclass(frozen=True)
class Attenuation:
    """Coefficients at the energies asked for: photoelectric, Compton, energy taken by the Compton electron, pair production (cm²/g)."""

    photo_cm2_g: Float[Array, "..."]
    compton_cm2_g: Float[Array, "..."]
    compton_absorbed_cm2_g: Float[Array, "..."]
    pair_cm2_g: Float[Array, "..."]

    @property
    def total_cm2_g(self) -> Float[Array, "..."]:
        """All collisions that leave energy; coherent scattering, which leaves none and turns little, is not in it."""
        return np.asarray(self.photo_cm2_g + self.compton_cm2_g + self.pair_cm2_g)


def attenuation(energy_MeV: Float[Array, "..."], tissue: str) -> Attenuation:
    """Coefficients of the tissue: Compton by Klein & Nishina 1929, photoelectric and pair as what NISTIR 5632 has beside it.

    Photoelectric: μ_en less the Compton share up to 60 keV (a straight line of logarithms beyond both ends); pair: μ less the others.
    """
    energy = np.asarray(energy_MeV, dtype=np.float64)
    Z_A = medium(tissue).Z_A_mol_g
    compton, absorbed = klein_nishina_cm2_g(energy, Z_A)
    photo = _photo(energy, OF[tissue], Z_A)
    data = _file()
    total = np.exp(np.interp(np.log(energy), np.log(data["energy_MeV"]), np.log(data["attenuation_cm2_g"][OF[tissue]])))
    pair = np.asarray(np.where(energy > PAIR_MEV * 1.1, np.maximum(total - compton - photo, 0.0), 0.0))
    return Attenuation(photo, compton, absorbed, pair)


def klein_nishina_cm2_g(energy_MeV: Float[Array, "..."], Z_A_mol_g: float) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Compton scattering per gram, and its part that the electron takes. Klein & Nishina 1929, Z Phys 52:853; integrated over cos θ."""
    k = np.asarray(energy_MeV, dtype=np.float64)[..., None] / ELECTRON_MEV
    cosine, weight = np.polynomial.legendre.leggauss(64)
    ratio = 1 / (1 + k * (1 - cosine))
    per_cosine = np.pi * AVOGADRO_R_E2_CM2 * Z_A_mol_g * ratio**2 * (ratio + 1 / ratio - 1 + cosine**2) * weight
    return np.asarray(per_cosine.sum(axis=-1)), np.asarray((per_cosine * (1 - ratio)).sum(axis=-1))


def _photo(energy_MeV: Float[Array, "..."], name: str, Z_A_mol_g: float) -> Float[Array, "..."]:
    data = _file()
    known = np.array([e for e in data["energy_MeV"] if e <= PHOTO_MEV])
    _, compton = klein_nishina_cm2_g(known, Z_A_mol_g)
    logs, photo = np.log(known), np.log(np.array(data["energy_absorption_cm2_g"][name][: len(known)]) - compton)
    low, high = (photo[1] - photo[0]) / (logs[1] - logs[0]), (photo[-1] - photo[-3]) / (logs[-1] - logs[-3])
    at = np.log(energy_MeV)
    inside = np.interp(at, logs, photo)
    return np.asarray(np.exp(inside + low * np.minimum(at - logs[0], 0.0) + high * np.maximum(at - logs[-1], 0.0)))


@cache
def _file() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files("gemel.engines.dose.photon").joinpath("attenuation.json").read_text(encoding="utf-8"))
    return loaded
