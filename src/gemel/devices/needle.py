"""A straight instrument put into tissue (an antenna, a catheter): where it is, how it lies, how far voxels are from it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import GeometryError, InputError
from gemel.core.image import Array, Image, world_mm

_WRITTEN = re.compile(r"(?P<name>[A-Za-z0-9]+):(?P<at>[^/]+)/(?P<along>.+)")


@dataclass(frozen=True)
class Needle:
    """Its name, its working point (LPS mm), and its direction, of length 1."""

    name: str
    at_mm: Float[Array, "3"]
    along: Float[Array, "3"]


def read_needle(text: str, kind: str) -> Needle:
    """`A:12.5,-30,40/0,0,1`: name, place and direction in LPS mm of an instrument of that kind. Raises InputError for what is none."""
    found = _WRITTEN.fullmatch(text.strip())
    parts = [part.split(",") for part in (found["at"], found["along"])] if found else []
    try:
        at, along = (np.array([float(one) for one in part]) for part in parts)
    except ValueError:
        at = along = np.zeros(0)
    if found is None or at.shape != (3,) or along.shape != (3,) or not np.isfinite([at, along]).all() or not np.linalg.norm(along) > 0:
        raise InputError(f"{text!r}", where=kind, remedy="write name:x,y,z/dx,dy,dz in LPS mm, as A:12.5,-30,40/0,0,1")
    return Needle(found["name"], at, along / np.linalg.norm(along))


def placed(texts: Sequence[str] | str, kind: str, usual: tuple[Needle, ...], *, inside: tuple[Image, Array, str]) -> tuple[Needle, ...]:
    """Instruments as written, the usual ones where none are; inside: the grid, the tissue on it, and what that is called.

    Raises InputError for what is none or two of one name, GeometryError for one outside the tissue.
    """
    found = tuple(read_needle(text, kind) for text in ([texts] if isinstance(texts, str) else texts)) or usual
    if len({one.name for one in found}) < len(found):
        raise InputError(f"two {kind}s of one name", where=kind, remedy="give each its own letter")
    grid, tissue, called = inside
    for one in found:
        require_inside(one, tissue, grid, kind, called)
    return found


def in_a_row(grid: Image, region: Bool[Array, "x y z"], step_mm: Float[Array, "3"], along: Float[Array, "3"]) -> tuple[Needle, ...]:
    """Three parallel ones: in the middle of a region (A), and a step to either side of it (B, C)."""
    middle = world_mm(grid, np.argwhere(region).astype(np.float64)).mean(axis=0)
    return tuple(Needle(name, middle + part * step_mm, along) for name, part in (("A", 0.0), ("B", 1.0), ("C", -1.0)))


def named(those: tuple[Needle, ...], name: str, kind: str) -> Needle:
    """The one of that name. Raises InputError where there is none."""
    for one in those:
        if one.name == name:
            return one
    raise InputError(f"no {kind} {name!r}", where=kind, remedy=f"choose from {', '.join(one.name for one in those)}")


def require_inside(one: Needle, tissue: Bool[Array, "x y z"], grid: Image, kind: str, called: str) -> None:
    """Raises GeometryError for an instrument whose working point is outside the tissue, which is called so."""
    index = np.rint((one.at_mm - grid.origin_mm) / grid.spacing_mm).astype(int)
    if (index < 0).any() or (index >= grid.shape).any() or not tissue[tuple(index)]:
        found = f"{kind} {one.name} at {np.round(one.at_mm, 1).tolist()} mm outside {called}"
        raise GeometryError(found, where=kind, remedy=f"place it within {called}, in LPS mm of these images")


def places_mm(grid: Image, one: Needle) -> tuple[Float[Array, "x y z"], Float[Array, "x y z"]]:
    """Distance of every voxel from the instrument's axis, and along it from the working point."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float64)
    away = world_mm(grid, index) - one.at_mm
    along = away @ one.along
    across = np.sqrt(np.maximum(np.square(away).sum(axis=1) - along**2, 0.0))
    return across.reshape(grid.shape), along.reshape(grid.shape)
