"""Gamma index: agreement of two dose distributions in dose and distance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Shaped
from numba import njit, prange

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array

PARTS = 10  # search points to one distance criterion


@dataclass(frozen=True)
class _Search:
    """Points around a voxel by distance: the cell they lie in, where in the cell, and (r / distance criterion)²."""

    cell: Int[Array, "p 3"]
    share: Float32[Array, "p 3"]
    distance2: Float32[Array, "p"]


def pass_rate(
    reference: Float[Array, "..."],
    evaluated: Float[Array, "..."],
    spacing_mm: Shaped[Array, "3"] | Sequence[float | int],
    dose_pct: float | int,
    dist_mm: float | int,
    cutoff_pct: float | int,
) -> float:
    """Per cent (0-100) of reference voxels at or above the cut-off for which the global gamma is at most 1.

    γ = min √(r²/δr² + ΔD²/δD²), Low et al. 1998, Med Phys 25:656; δD and the cut-off in per cent of the reference maximum; the evaluated
    dose is interpolated linearly on spheres a tenth of δr apart, at points no further apart than that. Raises GeometryError or RangeError.
    """
    search = (np.asarray(spacing_mm, dtype=np.float64), float(dose_pct), float(dist_mm))
    counted = _counted(reference, evaluated, search, cutoff_pct)
    gamma = _gamma(reference, evaluated, search, counted, 1.0, stop=1.0)
    return 100.0 * float(np.count_nonzero(gamma <= 1.0)) / float(len(gamma))


def gamma_map(
    reference: Float[Array, "..."],
    evaluated: Float[Array, "..."],
    spacing_mm: Shaped[Array, "3"] | Sequence[float | int],
    dose_pct: float | int,
    dist_mm: float | int,
    cutoff_pct: float | int,
) -> Float32[Array, "x y z"]:
    """Global gamma of each voxel as in `pass_rate`, at most 2; NaN below the cut-off."""
    search = (np.asarray(spacing_mm, dtype=np.float64), float(dose_pct), float(dist_mm))
    counted = _counted(reference, evaluated, search, cutoff_pct)
    out = np.full(reference.shape, np.nan, dtype=np.float32)
    out[tuple(counted.T)] = np.minimum(_gamma(reference, evaluated, search, counted, 2.0, stop=0.0), 2.0)
    return out


_Criteria = tuple[Float[Array, "3"], float, float]


def _counted(reference: Array, evaluated: Array, criteria: _Criteria, cutoff_pct: float | int) -> Int[Array, "v 3"]:
    """Indices of the reference voxels that are judged."""
    if reference.shape != evaluated.shape or reference.ndim != 3:
        found = f"doses of shape {reference.shape} and {evaluated.shape}"
        raise GeometryError(found, where="gamma", remedy="resample both onto one (x, y, z) grid")
    if 0 in reference.shape or criteria[0].shape != (3,):
        found = f"doses of shape {reference.shape} with {criteria[0].size} spacings"
        raise GeometryError(found, where="gamma", remedy="give doses with voxels and the spacing along x, y and z")
    if not (np.isfinite(reference).all() and np.isfinite(evaluated).all()) or reference.max() <= 0:
        raise RangeError("a dose that is not finite or zero everywhere", where="gamma", remedy="check that both doses were computed")
    sizes = np.array([*criteria[0], *criteria[1:]])
    if not (np.isfinite(sizes) & (sizes > 0)).all() or not 0 <= cutoff_pct < 100:
        raise RangeError(
            "criteria that are not positive and finite", where="gamma", remedy="give spacing and criteria above 0, cut-off in 0-100 %"
        )
    return np.argwhere(reference >= cutoff_pct / 100 * reference.max())


def _gamma(reference: Array, evaluated: Array, criteria: _Criteria, counted: Array, limit: float, stop: float) -> Float32[Array, "v"]:
    spacing_mm, dose_pct, dist_mm = criteria
    search = _search(spacing_mm, dist_mm, limit, np.array(reference.shape) > 1)
    reach = np.ceil(limit * dist_mm / spacing_mm).astype(np.int64)
    tolerance = dose_pct / 100 * float(reference.max())
    doses = (np.ascontiguousarray(d / tolerance, dtype=np.float32) for d in (reference, evaluated))
    return np.asarray(_least(*doses, counted, reach, (search.cell, search.share, search.distance2), (limit, stop)))


def _search(spacing_mm: Float[Array, "3"], dist_mm: float, limit: float, extended: Bool[Array, "3"]) -> _Search:
    """Points on shells around the origin, in the axes along which the grid has more than one voxel."""
    dimensions = int(extended.sum())
    shells = [_shell(radius, dimensions) for radius in range(1, round(PARTS * limit) + 1)] if dimensions else []
    points = np.zeros((1 + sum(len(shell) for shell in shells), 3))
    points[1:, extended] = np.concatenate(shells) if shells else 0.0
    radius = np.repeat(np.arange(len(shells) + 1), [1, *(len(shell) for shell in shells)])
    place = points * (dist_mm / PARTS) / spacing_mm
    cell = np.floor(place + 1e-7)
    share = np.maximum(place - cell, 0.0).astype(np.float32)
    return _Search(cell.astype(np.int64), share, ((radius / PARTS) ** 2).astype(np.float32))


def _shell(radius: int, dimensions: int) -> Float[Array, "p d"]:
    """Points at most 1 apart on a sphere (on rings at most 1 apart), a circle, or the two ends of a line."""
    if dimensions == 1:
        return np.array([[-radius], [radius]], dtype=np.float64)
    if dimensions == 2:
        around = np.linspace(0, 2 * np.pi, int(2 * np.pi * radius) + 1, endpoint=False)
        return radius * np.stack([np.cos(around), np.sin(around)], axis=1)
    polar = np.linspace(0, np.pi, int(np.pi * radius) + 2)
    count = (2 * np.pi * radius * np.sin(polar)).astype(np.int64) + 1
    ring = np.repeat(np.arange(len(polar)), count)
    turn = 2 * np.pi * (np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)) / count[ring]
    across = radius * np.sin(polar[ring])
    return np.stack([across * np.cos(turn), across * np.sin(turn), radius * np.cos(polar[ring])], axis=1)


@njit(parallel=True, cache=True)
@no_type_check
def _least(reference, evaluated, voxels, reach, search, bounds):
    """Least gamma of each voxel, searched outwards and no further than the best one found; `bounds`: give up above, stop at or below."""
    cell, share, distance2 = search
    limit2, stop2 = np.float32(bounds[0] ** 2), np.float32(bounds[1] ** 2)
    out = np.empty(len(voxels), dtype=np.float32)
    for v in prange(len(voxels)):
        i, j, k = voxels[v, 0], voxels[v, 1], voxels[v, 2]
        dose = reference[i, j, k]
        best = (dose - evaluated[i, j, k]) ** 2
        if best > stop2:
            gap = _gap(evaluated, dose, (i, j, k), reach)
            floor2 = gap * gap
            p = 1
            while floor2 <= limit2 and p < len(distance2) and distance2[p] + floor2 < best and best > stop2:
                value, inside = _interpolated(evaluated, (i, j, k), cell[p], share[p])
                if inside:
                    best = min(best, distance2[p] + (dose - value) ** 2)
                p += 1
        out[v] = np.sqrt(best)
    return out


@njit(cache=True)
@no_type_check
def _gap(evaluated, dose, at, reach):
    """How far the dose lies outside the evaluated values within reach; 0 when among them. No point in reach can come closer."""
    low, high = np.float32(np.inf), np.float32(-np.inf)
    for a in range(max(at[0] - reach[0], 0), min(at[0] + reach[0] + 1, evaluated.shape[0])):
        for b in range(max(at[1] - reach[1], 0), min(at[1] + reach[1] + 1, evaluated.shape[1])):
            for c in range(max(at[2] - reach[2], 0), min(at[2] + reach[2] + 1, evaluated.shape[2])):
                low, high = min(low, evaluated[a, b, c]), max(high, evaluated[a, b, c])
    return max(low - dose, dose - high, np.float32(0.0))


@njit(cache=True)
@no_type_check
def _interpolated(values, at, cell, share):
    """Trilinear value at a place, and whether the place lies within the grid of voxel centres."""
    a, b, c = at[0] + cell[0], at[1] + cell[1], at[2] + cell[2]
    nx, ny, nz = values.shape
    if a < 0 or b < 0 or c < 0 or a + (share[0] > 0) >= nx or b + (share[1] > 0) >= ny or c + (share[2] > 0) >= nz:
        return np.float32(0.0), False
    a1, b1, c1 = min(a + 1, nx - 1), min(b + 1, ny - 1), min(c + 1, nz - 1)
    u, v, w = share[0], share[1], share[2]
    one = np.float32(1.0)
    low = (one - v) * ((one - w) * values[a, b, c] + w * values[a, b, c1]) + v * ((one - w) * values[a, b1, c] + w * values[a, b1, c1])
    high = (one - v) * ((one - w) * values[a1, b, c] + w * values[a1, b, c1]) + v * ((one - w) * values[a1, b1, c] + w * values[a1, b1, c1])
    return (one - u) * low + u * high, True
