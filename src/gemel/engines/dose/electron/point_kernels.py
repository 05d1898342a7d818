"""Energy of electrons within a radius of a point source, from the table of scaled point kernels."""

import json
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float
from scipy.interpolate import RegularGridInterpolator

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.dose.electron.stopping import csda_range_g_cm2
from gemel.engines.dose.media import medium

SHAPE = {"water": "water", "soft": "water", "lung": "water", "bone": "bone"}
"""Tissues of nearly the same atomic number share the shape of their kernels, each with its own range. Cross 1968, Phys Med Biol 13:611."""
LOWEST_MEV, HIGHEST_MEV = 1e-3, 5.0


def absorbed_within(radius_mm: Float[Array, "r"], energy_MeV: Float[Array, "e"], *, tissue: str = "soft") -> Float[Array, "e r"]:
    """Share of an electron's energy that is absorbed within a radius of where it starts, by energy (rows).

    Φ(r, E) = F(r / R₀(E), E), F by Monte Carlo in water and cortical bone at 5 keV to 4 MeV, R₀ the CSDA range in the tissue; below
    5 keV and above 4 MeV the shape is held, below 1 keV all is absorbed at the point. What is missing from 1 far away is bremsstrahlung.
    Raises RangeError above 5 MeV, for energies below zero, and for unknown tissues.
    """
    energy = np.asarray(energy_MeV, dtype=np.float64)
    grid_MeV, within, farthest = table(SHAPE[medium(tissue).name])
    if energy.size and not (np.isfinite(energy).all() and energy.min() >= 0 and energy.max() <= HIGHEST_MEV):
        asked = f"electrons of {energy.min():g} to {energy.max():g} MeV"
        raise RangeError(asked, where="electron point kernels", remedy=f"use energies of 0 to {HIGHEST_MEV:g} MeV")
    held = np.clip(energy, LOWEST_MEV, None)
    range_mm = 10 * csda_range_g_cm2(held, tissue=tissue) / medium(tissue).density_g_cm3
    scaled = np.minimum(np.asarray(radius_mm)[None, :] / range_mm[:, None], farthest)
    logs = np.broadcast_to(np.log(np.clip(held, grid_MeV[0], grid_MeV[-1]))[:, None], scaled.shape)
    found = RegularGridInterpolator((np.log(grid_MeV), np.linspace(0, farthest, within.shape[1])), within)((logs, scaled))
    return np.where(energy[:, None] < LOWEST_MEV, 1.0, found)


@cache
def table(shape: str) -> tuple[Float[Array, "n"], Float[Array, "n k"], float]:
    """Energies, cumulative share by energy and scaled radius from 0, and the largest scaled radius."""
    data = json.loads(files("gemel.engines.dose.electron").joinpath("point_kernels.json").read_text(encoding="utf-8"))
    within = np.array(data["within"][shape])
    return np.array(data["energies_MeV"]), np.pad(within, ((0, 0), (1, 0))), float(data["farthest"])
