"""Radiofrequency: what the current of a needle electrode heats, with the ground far away."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array, Image, voxel_index
from gemel.devices.needle import Needle
from gemel.engines.pde.domain import domain
from gemel.engines.pde.elliptic import Held
from gemel.engines.pde.joule import joule_W_m3
from gemel.systems.ablation.body import Body

STEPS_mm = 0.25
"""Between points along the tip into which the current is divided."""


@lru_cache(maxsize=16)
def pattern_1_m3(body: Body, name: str) -> Float[Array, "x y z"]:
    """Heat of one watt through the electrode of that name: σ|∇φ|² over its sum, the box's outside at 0 V.

    The current leaves evenly along the tip, whose equipotentials then are spheroids about its ends (Durand 1966, Électrostatique II);
    on a grid of h such a line is a needle of about 0.2 h (Peaceman 1978, SPE J 18:183). σ is that of 37 °C: it rises by some 2 % for each
    degree and falls where water boils, which is not in it.
    """
    needle, ends = body.entry(name), np.ones(body.grid.shape, dtype=bool)
    ends[1:-1, 1:-1, 1:-1] = False
    heat, _ = joule_W_m3(
        domain(np.ones(body.grid.shape), body.grid.spacing_mm),
        body.maps.sigma_rf_S_m,
        held=Held(ends),
        current_A_m3=line(body.grid, needle, body.tip_mm),
        tolerance=1e-6,
    )
    return np.asarray(heat / (float(heat.sum()) * body.voxel_mm3 * 1e-9))


def line(grid: Image, needle: Needle, length_mm: float) -> Float[Array, "x y z"]:
    """A line of that length about the needle's point, shared out among the eight voxels about each of its points; its sum is 1."""
    at = np.arange(STEPS_mm / 2, length_mm, STEPS_mm)[:, None] - length_mm / 2
    index = voxel_index(grid, needle.at_mm + at * needle.along)
    lower = np.floor(index).astype(int)
    found = np.zeros(grid.shape)
    for corner in np.ndindex(2, 2, 2):
        part = np.prod(np.where(corner, index - lower, 1 - (index - lower)), axis=1)
        place = lower + corner
        kept = ((place >= 0) & (place < grid.shape)).all(axis=1)
        np.add.at(found, tuple(place[kept].T), part[kept])
    return np.asarray(found / found.sum())
