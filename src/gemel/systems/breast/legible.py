"""What a visit shows, as people read it: cells in per cent of the first visit's, volumes in mL."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.systems.breast.body import Body
from gemel.systems.breast.case import Case
from gemel.systems.breast.seen import FLOOR, volume_mL

CELLS, VOLUME = "cells, % of the first visit", "outlined volume, mL"
TITLES = {"ln_cells_1": CELLS, "ln_volume_1": VOLUME}


def legible(case: Case, draws: Mapping[str, Array]) -> dict[str, Array]:
    """Draws of a visit's observations by plain names with their units."""
    found = {TITLES[kind]: natural(case.body, kind, draws[kind]) for kind in TITLES if kind in draws}
    shares = draws.get("shares_1", np.zeros((0, 0)))
    return found | {f"of its cells in part {i + 1}, %": 100.0 * shares[:, i] for i in range(shares.shape[1])}


def natural(body: Body, kind: str, ln: Float[Array, "..."]) -> Float[Array, "..."]:
    """What `ln_cells_1` or `ln_volume_1` is the logarithm of, FLOOR taken off, in the unit of its title."""
    one = 100.0 if kind == "ln_cells_1" else float(volume_mL(body, body.density[None])[0])
    return np.asarray(one * np.maximum(np.exp(ln) - FLOOR, 0.0))
