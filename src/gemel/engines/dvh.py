"""Dose-volume histograms with sub-voxel accuracy: the dose varies linearly inside each voxel."""

from collections.abc import Sequence
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numba import njit, prange

from gemel.core.errors import GeometryError, RangeError, StructureError
from gemel.core.image import Array

PARTS = 4  # sub-voxels along each axis
FINE = 4096  # steps of the histogram that is inverted for a dose at a volume
CHUNKS = 64


def cumulative(
    dose: Float[Array, "..."], mask: Bool[Array, "..."], levels_Gy: Shaped[Array, "n"] | Sequence[float | int]
) -> Float[Array, "n"]:
    """Fraction of the mask's volume with a dose of at least each level.

    Each voxel counts as 4³ parts with the dose D + ∇D·r from central differences, never below zero; a voxel is inside as a whole.
    Drzymala et al. 1991, Int J Radiat Oncol Biol Phys 21:71. Raises StructureError, GeometryError, RangeError.
    """
    voxels = _checked(dose, mask)
    levels = np.asarray(levels_Gy, dtype=np.float64)
    order = np.argsort(levels)
    reached = _histogram(np.ascontiguousarray(dose, dtype=np.float32), voxels, levels[order]).sum(axis=0)
    at_least = np.cumsum(reached[::-1])[::-1][1:]
    out = np.empty(len(levels))
    out[order] = at_least / (len(voxels) * PARTS**3)
    return out


def dose_at_fraction_Gy(dose: Float[Array, "..."], mask: Bool[Array, "..."], fraction: float | int) -> float:
    """Dose that at least `fraction` of the volume receives: D98 is 0.98. Raises RangeError outside 0 to 1."""
    if not 0 <= fraction <= 1:
        raise RangeError(f"a volume fraction of {fraction:g}", where="dose_at_fraction_Gy", remedy="give 0 to 1; 98 % is 0.98")
    voxels = _checked(dose, mask)
    low, high = _bounds(np.ascontiguousarray(dose, dtype=np.float32), voxels)
    if high <= low:
        return float(low)
    levels = np.linspace(low, high, FINE + 1)
    return float(np.interp(-fraction, -cumulative(dose, mask, levels), levels))


def dose_at_volume_Gy(dose: Float[Array, "..."], mask: Bool[Array, "..."], volume_mL: float | int, voxel_mL: float | int) -> float:
    """Least dose of the hottest `volume_mL`: D0.03cc is 0.03. A structure smaller than that gives its minimum."""
    return dose_at_fraction_Gy(dose, mask, min(1.0, volume_mL / (np.count_nonzero(mask) * voxel_mL)) if mask.any() else 1.0)


def volume_at_dose(dose: Float[Array, "..."], mask: Bool[Array, "..."], level_Gy: float | int) -> float:
    """Fraction of the volume with at least `level_Gy`; times the structure's volume it is V20.8 in mL."""
    return float(cumulative(dose, mask, np.array([level_Gy], dtype=np.float64))[0])


def volume_at_dose_mL(dose: Float[Array, "..."], mask: Bool[Array, "..."], level_Gy: float | int, voxel_mL: float | int) -> float:
    """Volume with at least `level_Gy`."""
    return volume_at_dose(dose, mask, level_Gy) * float(np.count_nonzero(mask)) * voxel_mL


def mean_dose_Gy(dose: Float[Array, "..."], mask: Bool[Array, "..."]) -> float:
    """Mean of the voxels' doses."""
    _checked(dose, mask)
    return float(np.mean(dose[mask], dtype=np.float64))


def _checked(dose: Float[Array, "..."], mask: Bool[Array, "..."]) -> Array:
    """Indices of the mask's voxels."""
    if dose.shape != mask.shape:
        raise GeometryError(f"a dose of {dose.shape} and a mask of {mask.shape}", where="DVH", remedy="resample them onto one grid")
    voxels = np.argwhere(mask)
    if len(voxels) == 0:
        raise StructureError("an empty structure", where="DVH", remedy="contour it again or leave it out")
    if not np.isfinite(dose[mask]).all():
        raise RangeError("doses that are not finite", where="DVH", remedy="compute the dose on the whole structure")
    return voxels


@njit(cache=True)
@no_type_check
def _slope(dose, i, j, k, axis):
    """Central difference along an axis, per voxel; one-sided at the edge of the grid and beside values that are not finite."""
    di, dj, dk = (1, 0, 0) if axis == 0 else ((0, 1, 0) if axis == 1 else (0, 0, 1))
    index, n = (i, j, k)[axis], dose.shape[axis]
    here = dose[i, j, k]
    before = dose[i - di, j - dj, k - dk] if index > 0 else np.float32(np.nan)
    after = dose[i + di, j + dj, k + dk] if index < n - 1 else np.float32(np.nan)
    if np.isfinite(before) and np.isfinite(after):
        return np.float32(0.5) * (after - before)
    if np.isfinite(after):
        return after - here
    return here - before if np.isfinite(before) else np.float32(0.0)


@njit(parallel=True, cache=True)
@no_type_check
def _histogram(dose, voxels, levels):
    """Sub-voxels by the number of levels that their dose reaches, a row a chunk of voxels."""
    counts = np.zeros((CHUNKS, len(levels) + 1), dtype=np.int64)
    for chunk in prange(CHUNKS):
        for v in range(len(voxels) * chunk // CHUNKS, len(voxels) * (chunk + 1) // CHUNKS):
            i, j, k = voxels[v, 0], voxels[v, 1], voxels[v, 2]
            slope_x, slope_y, slope_z = _slope(dose, i, j, k, 0), _slope(dose, i, j, k, 1), _slope(dose, i, j, k, 2)
            for a in range(PARTS):
                for b in range(PARTS):
                    for c in range(PARTS):
                        turn = slope_x * _place(a) + slope_y * _place(b) + slope_z * _place(c)
                        counts[chunk, np.searchsorted(levels, max(dose[i, j, k] + turn, 0.0), side="right")] += 1
    return counts


@njit(cache=True)
@no_type_check
def _place(part):
    return (part + 0.5) / PARTS - 0.5


@njit(cache=True)
@no_type_check
def _bounds(dose, voxels):
    """Least and largest sub-voxel dose."""
    low, high = np.inf, -np.inf
    for v in range(len(voxels)):
        i, j, k = voxels[v, 0], voxels[v, 1], voxels[v, 2]
        reach = 0.5 * (abs(_slope(dose, i, j, k, 0)) + abs(_slope(dose, i, j, k, 1)) + abs(_slope(dose, i, j, k, 2)))
        low, high = min(low, max(dose[i, j, k] - reach, 0.0)), max(high, dose[i, j, k] + reach)
    return low, high
