"""Images and regions found in what a system keeps, whatever its dataclasses are called: by their types, not by their names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from gemel.core.activity import ActivityImage
from gemel.core.errors import UnitError
from gemel.core.image import Image, with_array
from gemel.core.structures import Structures
from gemel.core.units import CANONICAL, unit_of

GRID = "grid"
"""A field of this name places the arrays beside it; its own values mean nothing."""
Part = Image | ActivityImage | Structures


@dataclass(frozen=True)
class Met:
    """A part and the path of fields on which it was met."""

    path: tuple[str, ...]
    part: Part


def walked(value: Any, path: tuple[str, ...] = ()) -> Iterator[Met]:
    """Every image and every set of regions inside a value, outer ones first."""
    if isinstance(value, Image | ActivityImage | Structures):
        yield Met(path, value)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _fields(value, path)
    elif isinstance(value, tuple):
        for n, item in enumerate(value, start=1):
            yield from walked(item, (*path, str(n)) if len(value) > 1 else path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from walked(item, (*path, str(key)))


def _fields(value: Any, path: tuple[str, ...]) -> Iterator[Met]:
    """The parts of a dataclass, and its bare arrays where a grid beside them says where they lie."""
    held = {field.name: getattr(value, field.name) for field in fields(value)}
    grid = held.get(GRID)
    if isinstance(grid, Image):
        yield from _on_grid(held, grid, path)
    for name, item in held.items():
        if name != GRID or not isinstance(grid, Image):
            yield from walked(item, (*path, name))


def _on_grid(held: Mapping[str, Any], grid: Image, path: tuple[str, ...]) -> Iterator[Met]:
    arrays = {name: item for name, item in held.items() if isinstance(item, np.ndarray) and item.shape == grid.shape}
    masks = {name: item for name, item in arrays.items() if item.dtype == np.bool_ and item.any()}
    if masks:
        yield Met(path, Structures(grid, masks))
    for name, item in arrays.items():
        if item.dtype.kind == "f":
            yield Met((*path, name), with_array(grid, item))


def words_of(path: tuple[str, ...]) -> str:
    """The last name of a path as people read it, without its unit: `density_g_cm3` is `density`."""
    named = [name for name in path if not name.isdecimal()]
    number = f" {path[-1]}" if path and path[-1].isdecimal() else ""
    parts = (named[-1] if named else "image").split("_")
    while len(parts) > 1 and (parts[-1] in CANONICAL or parts[-1] in ("cm3", "Bq", "g")):
        parts.pop()
    return " ".join(parts) + number


def unit_told(path: tuple[str, ...]) -> str:
    """The unit at the end of the last name; empty where none is told."""
    name = next((name for name in reversed(path) if not name.isdecimal()), "")
    if name.endswith("_g_cm3"):
        return "g/cm3"
    try:
        return unit_of(name)
    except UnitError:
        return ""
