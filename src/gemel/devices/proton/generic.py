"""The generic machine: beam tables computed from published physics, gemel's Monte Carlo and the properties in `generic.json`."""

import json
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np

from gemel.core.image import Array
from gemel.devices.proton.depth_dose import depth_dose_Gy_mm2, nodes_mm
from gemel.engines.dose import bragg
from gemel.engines.dose.beam_data import BeamData
from gemel.engines.dose.linear_energy_transfer import dose_averaged_let_keV_um
from gemel.engines.dose.scattering import halo_sigma_mm, halo_weight, sigma_water_mm
from gemel.engines.dose.stopping_power import csda_range_mm, energy_at_range_MeV, stopping_power_MeV_cm2_g


@cache
def generic_beam() -> tuple[BeamData, str, str]:
    """The beam data, the machine's name and its source."""
    return beam_of()


def beam_of(*, analytic: bool = False) -> tuple[BeamData, str, str]:
    """The same; with `analytic`, depth doses are Bortfeld's, for the simulation that the others come from."""
    settings = json.loads(files("gemel.devices.proton").joinpath("generic.json").read_text(encoding="utf-8"))
    energy_MeV = _energies(np.array(settings["energies_MeV"], dtype=np.float64), settings["layer_mm"])
    range_mm = csda_range_mm(energy_MeV)
    spot_sigma_mm = np.interp(energy_MeV, *_columns(settings["spot_sigma_mm"]))
    spread_MeV = energy_MeV * np.interp(energy_MeV, *_columns(settings["energy_sigma_pct"])) / 100
    rows = [_row(float(e), float(r), float(s), analytic) for e, r, s in zip(energy_MeV, range_mm, spread_MeV)]
    beam = BeamData(energy_MeV, range_mm, spot_sigma_mm, spread_MeV, *(np.stack(table) for table in zip(*rows)))
    return beam, settings["name"], settings["source"]


def _columns(pairs: list[Any]) -> tuple[Array, Array]:
    x, y = np.array(pairs, dtype=np.float64).T
    return x, y


def _energies(anchors_MeV: Array, layer_mm: float) -> Array:
    """The anchors, and between them energies evenly spaced in range, at most `layer_mm` apart."""
    ranges = csda_range_mm(anchors_MeV)
    parts = [np.linspace(a, b, int(np.ceil((b - a) / layer_mm)) + 1)[1:-1] for a, b in pairwise(ranges)]
    return np.sort(np.concatenate([anchors_MeV, energy_at_range_MeV(np.concatenate(parts))]))


def width_mm(energy_MeV: float, range_mm: float, spread_MeV: float) -> float:
    """Spread of the range, σ² = σ_mono² + (σ_E / S)², Bortfeld 1997, Med Phys 24:2024."""
    spread_mm = 10 * spread_MeV / float(stopping_power_MeV_cm2_g(energy_MeV))
    return float(np.hypot(bragg.sigma_mono_mm(range_mm), spread_mm))


def _row(energy_MeV: float, range_mm: float, spread_MeV: float, analytic: bool) -> tuple[Array, ...]:
    """Depth, dose, σ1, σ2, halo weight and LET of one energy."""
    sigma_mm = width_mm(energy_MeV, range_mm, spread_MeV)
    depth_mm = nodes_mm(range_mm, sigma_mm)
    core_mm = sigma_water_mm(depth_mm, range_mm)
    return (
        depth_mm,
        bragg.depth_dose_Gy_mm2(depth_mm, energy_MeV, range_mm, sigma_mm) if analytic else depth_dose_Gy_mm2(energy_MeV),
        core_mm,
        np.hypot(core_mm, halo_sigma_mm(depth_mm, range_mm)),
        halo_weight(depth_mm, range_mm),
        dose_averaged_let_keV_um(depth_mm, range_mm, sigma_mm),
    )
