"""Views of a turn sorted by where in the cycle they were taken."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array

VAGUEST_PHASE = 0.15
"""Cycles; with a larger standard deviation a tenth of the views at least would lie outside a half of the cycle about their bin."""


@dataclass(frozen=True)
class Sorted:
    """`bin` of each view; of each bin the number of views and the largest angle between neighbours (streaks grow with it)."""

    bin: Int[Array, "views"]
    count: Int[Array, "bins"]
    largest_gap_rad: Float[Array, "bins"]


def sort_views(phase: Float[Array, "views"], angle_rad: Float[Array, "views"], *, bins: int, phase_sd: float = 0.0) -> Sorted:
    """Bin k holds phases within half a bin of k/bins, in cycles. Sonke et al. 2005, Med Phys 32:1176.

    Raises InputError for shapes or values that are no phases, RangeError when the phase is not known or a bin stays empty.
    """
    if phase.shape != angle_rad.shape or phase.ndim != 1 or not np.isfinite(phase).all() or not np.isfinite(angle_rad).all():
        raise InputError(
            f"phases {phase.shape}, angles {angle_rad.shape}", where="sort_views", remedy="pass one finite phase for each view"
        )
    if phase_sd > VAGUEST_PHASE:
        found = f"a phase known to {phase_sd:.2f} cycles (at most {VAGUEST_PHASE:g})"
        raise RangeError(found, where="sort_views", remedy="reconstruct all views together: there is no cycle to sort by")
    return _sorted(np.floor(np.mod(phase + 0.5 / bins, 1.0) * bins).astype(np.int64), angle_rad, bins)


def sort_by_position(position_mm: Float[Array, "views"], angle_rad: Float[Array, "views"], *, bins: int) -> Sorted:
    """Bins of equal numbers of views in the order of position; robust to irregular cycles. Abdelnour et al. 2007, Phys Med Biol 52:3515."""
    if position_mm.shape != angle_rad.shape or not np.isfinite(position_mm).all() or len(position_mm) < bins:
        found = f"{len(position_mm)} positions for {bins} bins"
        raise InputError(found, where="sort_by_position", remedy="pass one finite position for each view, more views than bins")
    rank = np.argsort(np.argsort(position_mm, kind="stable"), kind="stable")
    return _sorted(rank * bins // len(rank), angle_rad, bins)


def _sorted(bin_of: Int[Array, "views"], angle_rad: Float[Array, "views"], bins: int) -> Sorted:
    count = np.bincount(bin_of, minlength=bins)
    if count.min() == 0:
        found = f"no view in bin {int(count.argmin())} of {bins}"
        raise RangeError(found, where="sort_views", remedy="take fewer bins, or turn more slowly")
    gaps = np.array([_largest_gap_rad(angle_rad[bin_of == k]) for k in range(bins)])
    return Sorted(bin_of, count, gaps)


def _largest_gap_rad(angle_rad: Float[Array, "k"]) -> float:
    turned = np.sort(np.mod(angle_rad, 2 * np.pi))
    return float(np.diff(turned, append=turned[0] + 2 * np.pi).max())
