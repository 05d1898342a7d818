"""Polygons → mask by the voxel-centre rule, and the slices between contoured planes by shape interpolation."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import distance_transform_edt

from gemel.core.image import Array

SNAP = 1e-3  # voxel: vertices this near a voxel centre are taken to lie on it, so that rounding of coordinates decides nothing
COARSER = 0.05  # slice: contours further apart than the slices by this much were drawn on a coarser grid


def fill(polygons: Sequence[Float[Array, "_ 2"]], shape: tuple[int, int]) -> Bool[Array, "x y"]:
    """Voxels whose centre lies inside an odd number of polygons (even-odd rule: holes, keyholes and islands alike).

    `polygons` in index coordinates, closed without repeating the first vertex. A centre on an edge belongs to the polygon on its
    +x, +y side only, so that two polygons with a common edge share no voxel and leave none out. Parts outside `shape` are cut off.
    """
    nx, ny = shape
    crossed = np.zeros((nx + 1) * ny, dtype=np.uint8)
    cells = [_crossings(polygon, nx, ny) for polygon in polygons if len(polygon) >= 3]
    if cells:
        cell, times = np.unique(np.concatenate(cells), return_counts=True)
        crossed[cell[times % 2 == 1]] = 1
    return np.bitwise_xor.accumulate(crossed.reshape(nx + 1, ny), axis=0)[:nx].astype(bool)


def _crossings(polygon: Float[Array, "n 2"], nx: int, ny: int) -> Int[Array, "m"]:
    """Flat index (i, j) of the first voxel centre at or beyond each place where an edge crosses the row y = j."""
    vertex = _snapped(polygon)
    start, end = vertex, np.roll(vertex, -1, axis=0)
    low, high = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    first = np.clip(np.ceil(low), 0, ny).astype(np.int64)
    count = np.clip(np.ceil(high), 0, ny).astype(np.int64) - first
    edge = np.repeat(np.arange(len(vertex)), count)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    part = (row - start[edge, 1]) / (end[edge, 1] - start[edge, 1])
    column = np.ceil(start[edge, 0] + part * (end[edge, 0] - start[edge, 0]) - 1e-9)
    return np.clip(column, 0, nx).astype(np.int64) * ny + row


def _snapped(polygon: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
    nearest = np.rint(polygon)
    return np.where(np.abs(polygon - nearest) <= SNAP, nearest, polygon)


def between(below: Bool[Array, "x y"], above: Bool[Array, "x y"], part: float, spacing_mm: tuple[float, float]) -> Bool[Array, "x y"]:
    """The shape a fraction p = `part` of the way from `below` to `above`: where (1-p)·d_below + p·d_above > 0.

    d is the signed distance to the edge, positive inside. Shape-based interpolation: Raya & Udupa 1990, IEEE Trans Med Imaging 9:32.
    """
    blended = (1.0 - part) * _signed_mm(below, spacing_mm) + part * _signed_mm(above, spacing_mm)
    return blended > 0


def _signed_mm(mask: Bool[Array, "x y"], spacing_mm: tuple[float, float]) -> Float[Array, "x y"]:
    inside: Float[Array, "x y"] = distance_transform_edt(mask, sampling=spacing_mm)
    outside: Float[Array, "x y"] = distance_transform_edt(~mask, sampling=spacing_mm)
    return inside - outside


def gaps(depths: Mapping[int, float], largest: float) -> list[tuple[int, int]]:
    """Pairs of contoured slices with uncontoured ones between them that the contouring spacing explains, to be filled by `between`.

    `depths`: slice → where its contours lie, in slices, both rising. The contouring spacing is the median step of the depths. A gap is
    explained when that spacing is coarser than the slices, and the gap at most 1.5 times it and at most `largest` slices. Any other gap
    is taken to be as drawn: two islands.
    """
    spacing = float(np.median(np.diff(list(depths.values())))) if len(depths) > 1 else 0.0
    if spacing <= 1 + COARSER:
        return []
    most = min(1.5 * spacing + COARSER, largest)
    return [(a, b) for a, b in pairwise(depths) if b - a > 1 and depths[b] - depths[a] <= most]
