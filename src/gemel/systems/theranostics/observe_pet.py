"""What a PET of the ligand shows: uptake of an organ to that of typical patients, which therapy will meet again, more or less.

Kinetics of the first hour are not the model's (its exchanges were learnt from scans of days), so that the PET speaks of the uptake alone:
ln(fraction of the injected activity / typical) = ln(k_in / population's), with what SUV and therapy are known to differ by as its error.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import Any

import numpy as np

from gemel.core.activity import ActivityImage, uncorrected
from gemel.core.belief import Params, State
from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.core.model import Observe
from gemel.core.parameter import Parameter
from gemel.core.structures import Structures
from gemel.devices.nuclear.regions import Blur, Region, measure
from gemel.engines.dose.kernel.organ import reference_mass_g
from gemel.systems.theranostics.case import REFERENCE, DENSITY_g_mL, decay_half_life_s
from gemel.systems.theranostics.names import organ_of
from gemel.systems.theranostics.plausible import fractions_of
from gemel.systems.theranostics.population import population

EARLIEST_s, LATEST_s = 1800.0, 10800.0
"""After injection; typical values are those of an hour."""
FWHM_mm = 6.0


@dataclass(frozen=True)
class Typical:
    """An organ of typical patients: its parameter, fraction of the injected activity (of the tumour per mL), ln-sd of what it tells."""

    parameter: Parameter
    fraction_1: float
    sd_1: float


@cache
def typical() -> Mapping[str, Typical]:
    """By organ. Error: √(s²(1/r² − 1) + typical²) for a parameter of ln-sd s, so that SUV and uptake correlate by r between patients."""
    table, known = _table(), {p.name: p for p in population().parameters}
    found = {}
    for organ, row in table["organs"].items():
        mL = reference_mass_g(REFERENCE[organ][0]) / DENSITY_g_mL[organ] if organ in REFERENCE else 1.0
        parameter = known[row["parameter"]]
        sd = math.hypot(parameter.spread * math.sqrt(1 / row["r_1"] ** 2 - 1), table["typical_sd_1"])
        found[organ] = Typical(parameter, row["SUV_g_mL"] * mL / (1000 * table["weight_kg"]), sd)
    return found


def is_pet(nuclide: str) -> bool:
    """Whether typical uptake of a nuclide's ligand is known."""
    return bool(nuclide in _table()["nuclides"])


def kinds() -> dict[str, Observe]:
    """The model's view of a PET."""
    return {f"ln_pet_{organ}_ratio_1": partial(_ln_uptake, of.parameter) for organ, of in typical().items()}


def uptake(scan: ActivityImage, structures: Structures) -> tuple[dict[str, float], dict[str, float]]:
    """`pet_ORGAN`: uptake to the typical one, and its ln-sd; masks on the image's grid.

    Raises InputError for a region without activity, RangeError for more in all of them than was injected.
    """
    regions = measure(uncorrected(scan, decay_half_life_s(scan.nuclide)), structures, Blur(FWHM_mm))
    fractions, noise = fractions_of(scan, regions), {organ: _noise_rel(regions, organ) for organ in typical()}
    ratios = {}
    for organ, of in typical().items():
        if organ in fractions:
            mL = sum(r.volume_mL for r in regions if organ_of(r.name) == organ) if organ == "tumour" else 1.0
            ratios[f"pet_{organ}"] = fractions[organ] / mL / of.fraction_1
    return ratios, {name: math.hypot(typical()[name.removeprefix("pet_")].sd_1, noise[name.removeprefix("pet_")]) for name in ratios}


def require_usable(scan: ActivityImage) -> None:
    """Raises InputError for an image without calibration or activity, RangeError for one long before or after an hour."""
    where = scan.source[:64] or "PET"
    if scan.unit != "Bq/mL" or not (scan.image.array > 0).any():
        found = f"a PET in {scan.unit}" if scan.unit != "Bq/mL" else "a PET without activity"
        raise InputError(found, where=where, remedy="export it in Bq/mL")
    if not EARLIEST_s <= scan.since_injection_s <= LATEST_s:
        found = f"a PET {scan.since_injection_s / 60:.0f} min after injection"
        raise RangeError(found, where=where, remedy="give one of 30 to 180 min: typical uptake is known there")


def _noise_rel(regions: tuple[Region, ...], organ: str) -> float:
    """Of an organ's activity in this scan."""
    own = [(r.activity_Bq, r.noise_rel) for r in regions if organ_of(r.name) == organ]
    return math.sqrt(sum((a * noise) ** 2 for a, noise in own)) / sum(a for a, _ in own) if own else 0.0


def _ln_uptake(parameter: Parameter, state: State, params: Params) -> Array:
    return np.log(params[parameter.name] / parameter.centre)[:, None]


@cache
def _table() -> dict[str, Any]:
    return dict(json.loads(files(__package__).joinpath("pet_uptake.json").read_text(encoding="utf-8")))
