"""What a CT number stands for: density, composition and proton stopping power of tissues."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from gemel.core.image import Array
from gemel.engines.dose.stopping_power import mixture, relative_stopping_power

PADDING_HU = -1024.0  # what CT files are padded with; it is given the stopping power of air
NARROW_HU, PLATEAU_HU = 20, 14.0  # a section, and the start of a plateau of density, left out so that the curve never falls


@cache
def _schneider() -> dict[str, Any]:
    """Sections of composition and law of density, Schneider W et al. 2000, Phys Med Biol 45:459; references in the file."""
    loaded: dict[str, Any] = json.loads(files("gemel.engines.dose").joinpath("schneider_2000.json").read_text(encoding="utf-8"))
    return loaded


def default_hu_rsp_table() -> Float[Array, "n 2"]:
    """Rows of (HU, RSP) from -1024 to 4095 for `hu_to_rsp`: tissues of Schneider W et al. 2000, Phys Med Biol 45:459, by the Bethe ratio.

    It is a curve for tissues on a scanner like theirs (0 HU is a mixture of fat and muscle of RSP 1.02, not water): calibrate your own.
    Above 1600 HU (dense metal, saturated CT numbers) the values are a guess of the right order; keep beams out of there.
    """
    return np.array(_table())


def density_g_cm3(hu: Shaped[Array, "..."]) -> Float[Array, "..."]:
    """Mass density by CT number, straight between the points of Schneider W et al. 2000; held at air below -1000 HU."""
    law = _law()
    return np.asarray(np.interp(hu, law[:, 0], law[:, 1]))


def section_index(hu: Shaped[Array, "..."]) -> Int[Array, "..."]:
    """Which section of composition a CT number is in; below -1000 HU the first, air."""
    starts = np.array([section["from_HU"] for section in _schneider()["sections"]], dtype=np.float64)
    return np.maximum(np.searchsorted(starts, hu, side="right") - 1, 0)


def compositions() -> tuple[Mapping[str, float], ...]:
    """Mass per cent by element of each section."""
    data = _schneider()
    return tuple(_weights(data, section) for section in data["sections"])


def _law() -> Float[Array, "n 2"]:
    return np.array(_schneider()["density_g_cm3_by_HU"], dtype=np.float64)


def _weights(data: dict[str, Any], section: dict[str, Any]) -> Mapping[str, float]:
    return {name: float(weight) for name, weight in zip(data["elements"], section["pct"]) if weight > 0}


@cache
def _table() -> tuple[tuple[float, float], ...]:
    """RSP where the density law bends and at the middle of each section of composition; straight lines between."""
    data, law = _schneider(), _law()
    tissues = data["sections"][1:-2]
    middles = [(s["from_HU"] + s["to_HU"]) / 2 for s in tissues if s["to_HU"] - s["from_HU"] > NARROW_HU]
    bends = [hu for hu in law[:, 0].tolist() if hu != PLATEAU_HU]
    knots = sorted({*middles, *bends, float(tissues[0]["from_HU"]), float(data["last_HU"])})
    rows = [(hu, _rsp(data, hu, float(np.interp(hu, law[:, 0], law[:, 1])))) for hu in knots]
    return ((PADDING_HU, rows[0][1]), *rows)


def _rsp(data: dict[str, Any], hu: float, density: float) -> float:
    """RSP of the section that holds this CT number."""
    section = [s for s in data["sections"] if s["from_HU"] <= hu][-1]
    return relative_stopping_power(density, mixture(_weights(data, section)))
