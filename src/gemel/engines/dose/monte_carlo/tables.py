"""What the transport looks up: properties of protons in water by residual range, on even steps."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Float32
from scipy.special import ndtri

from gemel.core.image import Array
from gemel.engines.dose.monte_carlo import nuclear
from gemel.engines.dose.monte_carlo.multiple_scattering import pv_MeV, scattering_power_terms
from gemel.engines.dose.monte_carlo.straggling import variance_MeV2_mm
from gemel.engines.dose.stopping_power import E_MAX_MEV, R_MIN_CM, csda_range_mm, energy_at_range_MeV, stopping_power_MeV_cm2_g

STEP_MM = 0.1
ENERGY, SCATTER_A, SCATTER_B, PV2, STRAGGLING, HYDROGEN, NUCLEI, ELASTIC = range(8)
NORMALS = 4096


@dataclass(frozen=True)
class Tables:
    """Rows by residual range, one each `STEP_MM`; columns: energy (MeV), a and b of the scattering power (rad²/mm), (pv)² (MeV²),
    range straggling (mm²/mm), cross-sections of hydrogen and of other nuclei (1/mm), elastic share of the latter. `normals`: quantiles."""

    rows: Float32[Array, "n 8"]
    normals: Float32[Array, "q"]


@cache
def water_tables() -> Tables:
    """The tables of water of density 1 g/cm³ from 0 to 400 MeV."""
    range_mm = np.arange(0.0, float(csda_range_mm(E_MAX_MEV)), STEP_MM)
    floor_mm = 10 * R_MIN_CM
    E = energy_at_range_MeV(range_mm) * np.minimum(range_mm / floor_mm, 1.0)
    above = np.maximum(energy_at_range_MeV(range_mm), energy_at_range_MeV(np.array(STEP_MM / 2)))
    a, b = scattering_power_terms(above)
    straggling = variance_MeV2_mm(above) / (stopping_power_MeV_cm2_g(above) / 10) ** 2
    elastic, inelastic = nuclear.oxygen_elastic_1_mm(above), nuclear.oxygen_inelastic_1_mm(above)
    nuclei = elastic + inelastic
    share = elastic / np.where(nuclei > 0, nuclei, 1.0)
    columns = (E, a, b, pv_MeV(above) ** 2, straggling, nuclear.hydrogen_1_mm(above), nuclei, share)
    return Tables(np.stack(columns, axis=1).astype(np.float32), _quantiles())


def _quantiles() -> Float32[Array, "q"]:
    """Standard normal numbers of equal probability, scaled to variance 1: one look-up instead of a logarithm and a cosine."""
    values = ndtri((np.arange(NORMALS) + 0.5) / NORMALS)
    return np.asarray(values / np.sqrt(np.mean(values**2)), dtype=np.float32)


def range_at_energy_mm(energy_MeV: Float[Array, "..."]) -> Float[Array, "..."]:
    """Residual range that the tables give to this energy, so that energy in and energy read back are the same."""
    rows = water_tables().rows
    return np.asarray(np.interp(energy_MeV, rows[:, ENERGY].astype(np.float64), np.arange(len(rows)) * STEP_MM))
