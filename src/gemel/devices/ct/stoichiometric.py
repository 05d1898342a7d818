"""The default calibration of CT numbers to proton stopping power, computed from tissue compositions."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.dose.stopping_power import mixture, relative_stopping_power

PADDING_HU = -1024.0  # what CT files are padded with; it is given the stopping power of air
NARROW_HU, PLATEAU_HU = 20, 14.0  # a section, and the start of a plateau of density, left out so that the curve never falls


def default_hu_rsp_table() -> Float[Array, "n 2"]:
    """Rows of (HU, RSP) from -1024 to 4095 for `hu_to_rsp`: tissues of Schneider W et al. 2000, Phys Med Biol 45:459, by the Bethe ratio.

    It is a curve for tissues on a scanner like theirs (0 HU is a mixture of fat and muscle of RSP 1.02, not water): calibrate your own.
    Above 1600 HU (dense metal, saturated CT numbers) the values are a guess of the right order; keep beams out of there.
    """
    return np.array(_table())


@cache
def _table() -> tuple[tuple[float, float], ...]:
    """RSP where the density law bends and at the middle of each section of composition; straight lines between."""
    data = json.loads(files("gemel.devices.ct").joinpath("schneider_2000.json").read_text(encoding="utf-8"))
    law = np.array(data["density_g_cm3_by_HU"], dtype=np.float64)
    tissues = data["sections"][1:-2]
    middles = [(s["from_HU"] + s["to_HU"]) / 2 for s in tissues if s["to_HU"] - s["from_HU"] > NARROW_HU]
    bends = [hu for hu in law[:, 0].tolist() if hu != PLATEAU_HU]
    knots = sorted({*middles, *bends, float(tissues[0]["from_HU"]), float(data["last_HU"])})
    rows = [(hu, _rsp(data, hu, float(np.interp(hu, law[:, 0], law[:, 1])))) for hu in knots]
    return ((PADDING_HU, rows[0][1]), *rows)


def _rsp(data: dict[str, Any], hu: float, density_g_cm3: float) -> float:
    """RSP of the section that holds this CT number."""
    section = [s for s in data["sections"] if s["from_HU"] <= hu][-1]
    weights = {name: float(weight) for name, weight in zip(data["elements"], section["pct"]) if weight > 0}
    return relative_stopping_power(density_g_cm3, mixture(weights))
