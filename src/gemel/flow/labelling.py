"""Regions as label maps: as few as hold them all, for regions may lie in one another and a voxel of a map has one label."""

from dataclasses import dataclass

import numpy as np

from gemel.core.image import Array, Image, with_array
from gemel.core.structures import Structures

COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#999999",
    "#AA4499", "#BBCC33", "#FFAABB", "#44BB99", "#EE8866", "#DDDDDD",
)  # fmt: skip
"""Told apart with every common colour vision: Okabe & Ito 2008, Color Universal Design; from the ninth Tol 2021, Colour schemes, SRON."""


@dataclass(frozen=True)
class Label:
    """A value of a label map: the region it stands for, and its colour."""

    value: int
    name: str
    colour: str


@dataclass(frozen=True)
class Labelled:
    """A label map and its legend."""

    image: Image
    labels: tuple[Label, ...]


def layers(held: Structures) -> tuple[Labelled, ...]:
    """Label maps that together hold every region whole, the largest regions in the first: no two regions of one map overlap.

    A region keeps value and colour whatever map it comes into. Greedy: each goes into the first map where it is free.
    """
    named = {name: mask for name, mask in held.masks.items() if mask.any()}
    numbers = {name: n for n, name in enumerate(named, start=1)}
    maps: list[Array] = []
    members: list[list[str]] = []
    for name in sorted(named, key=lambda name: (-int(np.count_nonzero(named[name])), name)):
        mask = named[name]
        place = next((i for i, values in enumerate(maps) if not values[mask].any()), len(maps))
        if place == len(maps):
            maps.append(np.zeros(held.grid.shape, np.int16))
            members.append([])
        maps[place][mask] = numbers[name]
        members[place].append(name)
    return tuple(
        Labelled(with_array(held.grid, values), tuple(_label(name, numbers[name]) for name in sorted(names, key=numbers.__getitem__)))
        for values, names in zip(maps, members)
    )


def _label(name: str, number: int) -> Label:
    return Label(number, name, COLOURS[(number - 1) % len(COLOURS)])
