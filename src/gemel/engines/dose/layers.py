"""Spots of one beam direction as layers of small tables of weights over (z, x), which is how scanned beams lie."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from gemel.core.image import Array

FILLED = 0.1  # a layer with less than this share of its table in use is taken apart into single spots


@dataclass(frozen=True)
class Layers:
    """Per layer `rows` of the look-up tables, positions x[x_first:…] and z[z_first:…], weights[w_first:…] of (z, x) in C order."""

    rows: Int[Array, "l"]
    x_first: Int[Array, "l+1"]
    z_first: Int[Array, "l+1"]
    w_first: Int[Array, "l+1"]
    x_mm: Float[Array, "x"]
    z_mm: Float[Array, "z"]
    weights: Float32[Array, "w"]


def layers_of(places_mm: Float[Array, "s 2"], rows: Int[Array, "s"], weights: Float32[Array, "s"]) -> Layers:
    """The layers of spots at (x, z) with their table rows; weights of spots at one place are added."""
    groups = [(row, some) for row in np.unique(rows) for some in _groups(places_mm, np.flatnonzero(rows == row))]
    tables = [_table(places_mm[some], weights[some]) for _, some in groups]
    x_first, z_first, w_first = (np.concatenate([[0], np.cumsum([part[n].size for part in tables])]) for n in range(3))
    x_mm, z_mm, table = (np.concatenate([part[n].ravel() for part in tables]) for n in range(3))
    return Layers(np.array([row for row, _ in groups]), x_first, z_first, w_first, x_mm, z_mm, table)


def _groups(places_mm: Float[Array, "all 2"], spots: Int[Array, "s"]) -> list[Int[Array, "_"]]:
    """The spots of a layer as one group, or one by one when they lie scattered."""
    size = len(np.unique(places_mm[spots, 0])) * len(np.unique(places_mm[spots, 1]))
    return [spots] if len(spots) >= FILLED * size else list(spots[:, None])


def _table(places_mm: Float[Array, "s 2"], weights: Float32[Array, "s"]) -> tuple[Array, Array, Array]:
    x, column = np.unique(places_mm[:, 0], return_inverse=True)
    z, line = np.unique(places_mm[:, 1], return_inverse=True)
    table = np.zeros((len(z), len(x)), dtype=np.float32)
    np.add.at(table, (line, column), weights)
    return x, z, table
