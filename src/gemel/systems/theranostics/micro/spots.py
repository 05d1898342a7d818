"""Spots of spatial transcriptomics: a table of places with fractions of cells and expressions, and maps made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from gemel.core.errors import InputError, RangeError, UnitError
from gemel.core.image import Array

TO_MM = {"mm": 1.0, "um": 1e-3}


@dataclass(frozen=True)
class Spots:
    """Places (mm) and, by name, one number a spot: fractions of cells, or expressions."""

    x_mm: Float[Array, "spots"]
    y_mm: Float[Array, "spots"]
    values: Mapping[str, Float[Array, "spots"]]


def read_spots(path: Path, unit: str) -> Spots:
    """A table with a heading, separated by commas: x, y and any number of columns. `unit` of x and y is "mm" or "um", never guessed.

    Raises UnitError for another unit; InputError when x or y is missing, a cell is no number, or a value is negative or not finite.
    """
    if unit not in TO_MM:
        raise UnitError(f"places in {unit!r}", where=str(path), remedy=f"convert them to one of {', '.join(TO_MM)}")
    heading, *rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines() if line.strip()] or [[""]]
    names = [name.strip() for name in heading]
    if not {"x", "y"} <= set(names) or not rows or any(len(row) != len(names) for row in rows):
        raise InputError(f"a table with the columns {names} and {len(rows)} rows", where=str(path), remedy="give x, y and full rows")
    table = _numbers(rows, names, path)
    scale = TO_MM[unit]
    return Spots(table["x"] * scale, table["y"] * scale, {name: table[name] for name in names if name not in ("x", "y")})


def _numbers(rows: list[list[str]], names: list[str], path: Path) -> dict[str, Float[Array, "spots"]]:
    found: dict[str, Float[Array, spots]] = {}
    for column, name in enumerate(names):
        try:
            values = np.array([float(row[column]) for row in rows])
        except ValueError as error:
            raise InputError(f"a cell of {name!r} that is no number", where=str(path), remedy=f"correct it: {error}") from error
        if not np.isfinite(values).all() or (name not in ("x", "y") and (values < 0).any()):
            raise InputError(f"{name!r} is negative or not finite", where=str(path), remedy="leave out spots that were not measured")
        found[name] = values
    return found


def on_grid(spots: Spots, name: str, pixel_mm: float, *, reach_mm: float = 0.1) -> Float[Array, "x y 1"]:
    """A map of one value over the spots' bounding box, each pixel that of its nearest spot, 0 where none is within `reach_mm`.

    Raises InputError for an unknown name, RangeError for a pixel not over zero.
    """
    if name not in spots.values:
        raise InputError(f"no column {name!r}", where="spots", remedy=f"choose one of {', '.join(spots.values)}")
    if not pixel_mm > 0:
        raise RangeError(f"pixels of {pixel_mm!r} mm", where="on_grid", remedy="give an edge over zero")
    x = np.arange(spots.x_mm.min(), spots.x_mm.max() + pixel_mm / 2, pixel_mm)
    y = np.arange(spots.y_mm.min(), spots.y_mm.max() + pixel_mm / 2, pixel_mm)
    places = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    distance, nearest = cKDTree(np.column_stack([spots.x_mm, spots.y_mm])).query(places)
    return np.where(distance <= reach_mm, spots.values[name][nearest], 0.0)[:, :, None]
