"""Response as it is reported: complete, by pathology; partial and progressive, by the longest axis."""

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.image import Array

COMPLETE_1 = 0.01
"""Of the first visit's cells: fewer at surgery counts as pathological complete response, no invasive cancer in breast (ypT0/is, Cortazar
et al. 2014, Lancet 384:164). The fraction stands for what a pathologist cannot find; assumed, not calibrated."""
PARTIAL_1, PROGRESS_1 = 0.70, 1.20
"""Longest axis to that before: RECIST 1.1, Eisenhauer et al. 2009, Eur J Cancer 45:228."""


def complete(cells_1: Float[Array, "draws"]) -> Bool[Array, "draws"]:
    """Whether all residual cells, as a share of those of the first visit, are fewer than COMPLETE_1."""
    return np.asarray(cells_1 < COMPLETE_1)


def category(axis_mm: Float[Array, "draws"], before_mm: float) -> tuple[str, ...]:
    """RECIST 1.1 of the longest axis: CR, PR, SD or PD."""
    return tuple(_category(float(axis), before_mm) for axis in axis_mm)


def _category(axis_mm: float, before_mm: float) -> str:
    if axis_mm <= 0:
        return "CR"
    ratio = axis_mm / before_mm
    return "PR" if ratio <= PARTIAL_1 else "PD" if ratio >= PROGRESS_1 else "SD"
