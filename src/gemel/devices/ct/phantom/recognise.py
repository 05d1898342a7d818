"""Which module of which phantom a slice shows, told by the places of what stands out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gemel.core.errors import InputError
from gemel.devices.ct.phantom.plane import LOOKED_FOR, Plane
from gemel.devices.ct.phantom.rods import Rod, ring_medians, rods

CATPHAN_mm, ACR_mm = 58.4, 63.0
"""Distance of the rods from the centre. The Phantom Laboratory, CatPhan 500/600 manual; ACR CT phantom 464 drawing (to be checked)."""
AROUND_mm = 5.0
PAIRS_mm = (40.0, 55.0)
STEP_HU, ACROSS_mm = 25.0, 3.0
"""Between a core and its housing; shading of a cone beam takes more room for as much."""
POINTS_mm = 35.36
"""Of CatPhan's four marks, which form a square of 50 mm."""


@dataclass(frozen=True)
class Shown:
    """kind: `rods`, `line pairs`, `low contrast` or `uniform`; rods by angle from the heaviest; marks: four points of a square of 50 mm."""

    kind: str
    phantom: str
    rods: tuple[Rod, ...]
    marks: tuple[Rod, ...]


def recognise(plane: Plane, where: str) -> Shown:
    """What a slice shows. Raises InputError for one that is none of the known, with what was looked for."""
    found = rods(plane)
    for phantom, at_mm, sizes, least in (("CatPhan", CATPHAN_mm, (8.0, 16.0), 5), ("ACR 464", ACR_mm, (18.0, 32.0), 3)):
        held = [rod for rod in found if abs(rod.radius_mm - at_mm) < AROUND_mm and sizes[0] <= rod.diameter_mm <= sizes[1]]
        if len(held) >= least and _in_steps(held):
            return Shown("rods", phantom, _ordered(held), _marks(found))
    small = [rod for rod in found if PAIRS_mm[0] <= rod.radius_mm <= PAIRS_mm[1] and rod.mark_HU > 0]
    if len(small) >= 8:
        return Shown("line pairs", "CatPhan", (), ())
    if any(rod.diameter_mm > 5.0 for rod in found):
        seen = ", ".join(f"{rod.diameter_mm:.0f} mm at {rod.radius_mm:.0f} mm" for rod in found[:6])
        raise InputError(f"a phantom that is not recognised: rods of {seen}", where=where, remedy=f"looked for {LOOKED_FOR}")
    return Shown("low contrast" if _cored(plane) else "uniform", "CatPhan" if _cored(plane) else "water", (), ())


def _in_steps(held: Sequence[Rod]) -> bool:
    """Whether angles between rods are multiples of 30 (CatPhan) or 45 degrees (ACR), to 4."""
    turns = np.degrees([rod.angle - held[0].angle for rod in held])
    return any(bool((np.abs(turns - step * np.rint(turns / step)) < 4.0).all()) for step in (30.0, 45.0))


def _ordered(held: Sequence[Rod]) -> tuple[Rod, ...]:
    """By angle, from the densest on."""
    start = max(held, key=lambda rod: rod.HU).angle
    return tuple(sorted(held, key=lambda rod: float((rod.angle - start + 1e-6) % (2 * np.pi))))


def _marks(found: Sequence[Rod]) -> tuple[Rod, ...]:
    """Four small points, one in each quarter, or none."""
    held = [rod for rod in found if abs(rod.radius_mm - POINTS_mm) < 1.8 and rod.diameter_mm < 6.0]
    held = sorted(held, key=lambda rod: rod.angle)
    if len(held) != 4:
        return ()
    turns = np.degrees(np.diff([rod.angle for rod in held]))
    return tuple(held) if (np.abs(turns - 90.0) < 8.0).all() else ()


def _cored(plane: Plane) -> bool:
    """Whether HU steps between the core and the housing."""
    profile = ring_medians(plane)
    width = round(ACROSS_mm)
    steps = np.abs(profile[width:] - profile[:-width])
    return bool((steps[int(0.5 * plane.radius_mm) : int(0.85 * plane.radius_mm)] > STEP_HU).any())
