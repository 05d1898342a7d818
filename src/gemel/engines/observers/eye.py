"""The eye's filter for observers that see as people do."""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array

EXPONENT, PEAK_CYCLES_DEG = 1.3, 4.0  # Burgess 1994, J Opt Soc Am A 11:1237
VIEWING_MM = 500.0


def eye_filter(f_1_mm: Float[Array, "..."], *, viewing_mm: float = VIEWING_MM, zoom: float = 1.0) -> Float[Array, "..."]:
    """E = f^n exp(−c f²), f in cycles a degree, at most 1 (at 4); n = 1.3, c = n / (2 · 4²). Burgess 1994, J Opt Soc Am A 11:1237.

    zoom: millimetres on the screen for one millimetre in the object.
    """
    ratio = np.asarray(f_1_mm, dtype=np.float64) / zoom * viewing_mm * np.pi / 180 / PEAK_CYCLES_DEG
    return np.asarray(ratio**EXPONENT * np.exp(EXPONENT / 2 * (1 - ratio**2)))
