"""Are these numbers HU? Air outside the body and soft tissue inside say so."""

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import UnitError
from gemel.core.image import Array

AIR_HU, AIR_WITHIN, PADDING_HU = -1000.0, 80.0, -1500.0
FAT_HU = -50.0
SOFT_HU = (-140.0, 100.0)
"""Where the commonest number of a body lies: fat near −100 or soft tissue up to 60, with contrast in it 100."""
REMEDY = "apply RescaleSlope and RescaleIntercept, or calibrate the scanner (water 0, air -1000)"


def require_calibrated(hu: Float[Array, "*grid"], body: Bool[Array, "*grid"], where: str) -> None:
    """Raises UnitError unless the commonest number of air is −1000 ± 80 HU and that of the body one of fat or soft tissue.

    Padding below −1500 is left out; a slice without air around the body is judged by the body alone.
    """
    least = float(np.nanmin(hu))
    if least > FAT_HU:
        raise UnitError(f"nothing below {least:.0f} HU, neither air nor fat", where=where, remedy=REMEDY)
    outside = hu[~body & (hu >= PADDING_HU)]
    if outside.size > hu.size // 50:
        air = float(np.median(outside))
        if abs(air - AIR_HU) > AIR_WITHIN:
            raise UnitError(f"air around the body reads {air:.0f} instead of -1000 HU", where=where, remedy=REMEDY)
    bins = np.arange(-700.0, 3001.0, 20.0)
    counts, _ = np.histogram(hu[body], bins)
    peak = bins[int(np.argmax(np.convolve(counts, np.ones(3), mode="same")))] + 10
    soft = float(np.median(hu[body & (np.abs(hu - peak) <= 30)]))
    if not SOFT_HU[0] <= soft <= SOFT_HU[1]:
        raise UnitError(f"most of the body reads {soft:.0f} HU, neither fat nor soft tissue", where=where, remedy=REMEDY)
