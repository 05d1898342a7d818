"""Energy of photons within a radius of a point source in an infinite medium."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.interpolate import RegularGridInterpolator

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.dose.media import medium
from gemel.engines.dose.photon.attenuation import OF, PAIR_MEV, attenuation

LOWEST_MEV, HIGHEST_MEV = 1e-3, 5.0


def absorbed_within(radius_mm: Float[Array, "r"], energy_MeV: Float[Array, "e"], *, tissue: str = "soft") -> Float[Array, "e r"]:
    """Share of a photon's energy that is absorbed within a radius of where it starts, by energy (rows); 1 at infinity.

    Φ(r, E) = f₁ (1 − e^{−μr}) + G(μr, E): the first collision exactly, f₁ = (μ_photo + μ_Compton,tr + μ_pair (1 − 1.022/E)) / μ, all later
    ones by Monte Carlo (Compton by Klein & Nishina, photoelectric, pair; no coherent scattering). Electrons stay where they are set free.
    The Monte Carlo is from 10 keV to 3 MeV, its shape (in mean free paths) held beyond both.
    Raises RangeError above 5 MeV or below zero, and for unknown tissues; below 1 keV the photon stays where it starts.
    """
    energy = np.asarray(energy_MeV, dtype=np.float64)
    if energy.size and not (np.isfinite(energy).all() and energy.min() >= 0 and energy.max() <= HIGHEST_MEV):
        found = f"photons of {energy.min():g} to {energy.max():g} MeV"
        raise RangeError(found, where="photon point kernels", remedy=f"use energies of 0 to {HIGHEST_MEV:g} MeV")
    held = np.maximum(energy, LOWEST_MEV)
    density_g_cm3 = medium(tissue).density_g_cm3
    mu = attenuation(held, tissue)
    paths = mu.total_cm2_g[:, None] * density_g_cm3 * np.asarray(radius_mm)[None, :] / 10
    left = mu.photo_cm2_g + mu.compton_absorbed_cm2_g + mu.pair_cm2_g * np.maximum(1 - PAIR_MEV / held, 0.0)
    found = (left / mu.total_cm2_g)[:, None] * -np.expm1(-paths) + _scattered(
        paths, held, (mu.total_cm2_g - left) / mu.total_cm2_g, OF[tissue]
    )
    return np.where(energy[:, None] < LOWEST_MEV, 1.0, found)


def _scattered(paths: Float[Array, "e r"], energy_MeV: Float[Array, "e"], carried: Float[Array, "e"], name: str) -> Float[Array, "e r"]:
    """Share left at all collisions but the first; as the square of the path where it is short; never more than the photon carries on."""
    data = _file()
    energies, grid = np.array(data["energies_MeV"]), np.array(data["mean_free_paths"])
    table = np.array(data["scattered_within"][name])
    table = table / table[:, -1:]
    logs = np.broadcast_to(np.log(np.clip(energy_MeV, energies[0], energies[-1]))[:, None], paths.shape)
    read = RegularGridInterpolator((np.log(energies), grid), table)
    inside = read((logs, np.clip(paths, grid[0], grid[-1])))
    return np.asarray(carried[:, None] * inside * np.minimum(paths / grid[0], 1.0) ** 2)


@cache
def _file() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files("gemel.engines.dose.photon").joinpath("point_kernels.json").read_text(encoding="utf-8"))
    return loaded
