"""What an MRI would show of a state: cells, volume and extent of what is dense enough to be outlined, and where the cells lie."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import pdist

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.systems.breast.body import Body

FAINT, CLEAR = 0.10, 0.20
"""Shares of capacity between which a voxel passes from unseen to outlined. Assumed; half-way lies near the 16 % of Swanson's T2 edge."""
FLOOR = 0.005
"""Of the first visit's cells or volume: less is not told from nothing."""


def outlined(density: Float[Array, "... n"]) -> Float[Array, "... n"]:
    """How far a voxel is outlined, 0 to 1: smooth between FAINT and CLEAR, so that forecasts have derivatives."""
    x = np.clip((np.asarray(density, dtype=np.float64) - FAINT) / (CLEAR - FAINT), 0.0, 1.0)
    return np.asarray(x * x * (3.0 - 2.0 * x))


def cells(body: Body, density: Float[Array, "draws n"]) -> Float[Array, "draws"]:
    """Cells that are seen, in voxels filled to capacity."""
    return np.asarray((density * outlined(density)).sum(axis=-1, dtype=np.float64))


def volume_mL(body: Body, density: Float[Array, "draws n"]) -> Float[Array, "draws"]:
    """Volume that is outlined."""
    return np.asarray(outlined(density).sum(axis=-1) * body.voxel_mm3 / 1000.0)


def longest_axis_mm(body: Body, density: Float[Array, "draws n"]) -> Float[Array, "draws"]:
    """Greatest distance between centres of voxels at least half outlined, plus one voxel; 0 when there are none."""
    points = np.argwhere(body.mask) * body.spacing_mm
    return np.array([_extent_mm(points[row >= 0.5], float(body.spacing_mm.max())) for row in outlined(density)])


def ln_cells(body: Body, state: State, params: Params) -> Array:
    """ln of cells seen to those seen at the first visit."""
    return np.log(cells(body, state["density"]) / _first(body)[0] + FLOOR)[:, None]


def ln_volume(body: Body, state: State, params: Params) -> Array:
    """ln of the outlined volume to that of the first visit."""
    return np.log(volume_mL(body, state["density"]) / _first(body)[1] + FLOOR)[:, None]


def shares(body: Body, state: State, params: Params) -> Array:
    """Share of the cells seen in each part; equal shares where there is next to nothing."""
    density = np.asarray(state["density"], dtype=np.float64)
    return share_of_parts(body, density * outlined(density))


def share_of_parts(body: Body, held: Float[Array, "draws n"]) -> Float[Array, "draws parts"]:
    """Share in each part of cells by voxel, in voxels filled to capacity."""
    sums = np.stack([held[:, body.part == i].sum(axis=1, dtype=np.float64) for i in range(body.parts)], axis=1)
    least = FLOOR * _first(body)[0]
    return np.asarray((sums + least / body.parts) / (sums.sum(axis=1, keepdims=True) + least))


def _first(body: Body) -> tuple[float, float]:
    """Cells and volume of the first visit."""
    first = body.density[None]
    return float(cells(body, first)[0]), float(volume_mL(body, first)[0])


def _extent_mm(points: Float[Array, "n 3"], voxel_mm: float) -> float:
    """Only points that are farthest in one of some directions can be ends of the longest axis."""
    if len(points) < 2:
        return voxel_mm * len(points)
    kept = np.unique([f((points @ DIRECTIONS.T), axis=0) for f in (np.argmax, np.argmin)])
    return float(pdist(points[kept]).max()) + voxel_mm


def _sphere(count: int) -> Float[Array, "count 3"]:
    """Directions spread evenly (Fibonacci's lattice; González 2010, Math Geosci 42:49)."""
    z = 1 - (2 * np.arange(count) + 1) / count
    angle = np.pi * (1 + 5**0.5) * np.arange(count)
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)


DIRECTIONS = _sphere(200)
