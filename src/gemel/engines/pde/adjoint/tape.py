"""A run as single moves, and what is kept of it on the way forward so that it can be gone back."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from jaxtyping import Shaped

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.pde.course import Act, Output, Steps
from gemel.engines.pde.domain import WHERE
from gemel.engines.pde.stepping import Fields
from gemel.engines.pde.ways import Ways

Stretch = tuple[Act, ...]
See = Callable[[Output, Any], None]
MOST_LEVELS = 6


@dataclass(frozen=True)
class Tape:
    """Moves of a stretch, of which one at a time is kept in full, and levels of checkpoints above: each costs one more run forward."""

    moves: int
    levels: int


def tape(moves: int, stages: int, fields: int) -> Tape:
    """The fewest levels that keep at most `fields` fields: L (N/m)^(1/L) checkpoints and m stages, least at m = (N/stages^L)^(1/(L + 1)).

    Griewank 1992, Optim Methods Softw 1:35. Raises RangeError where that is not enough for a way back.
    """
    least = np.inf
    for levels in range(1, MOST_LEVELS + 1):
        length = max(1, round((moves / (stages + 1) ** levels) ** (1 / (levels + 1))))
        need = levels * (branches(-(-moves // length), levels) + 1) + stages * (length + 1)
        if need <= fields:
            return Tape(length, levels)
        least = min(least, need)
    remedy = f"multiply memory_MB by {np.ceil(10 * least / max(fields, 1)) / 10:g}, or take a smaller grid or fewer steps"
    raise RangeError(f"room for {fields} fields on a way back through {moves} steps", where=WHERE, remedy=remedy)


def branches(stretches: int, levels: int) -> int:
    """The least c with c^levels ≥ stretches."""
    found = max(1, int(stretches ** (1 / levels)))
    return found if found**levels >= stretches else found + 1


def moves(acts: tuple[Act, ...]) -> int:
    """Steps, losses, events and outputs."""
    return sum(one.count if isinstance(one, Steps) else 1 for one in acts)


def stretches(acts: tuple[Act, ...], most: int) -> list[Stretch]:
    """Acts in stretches of up to `most` moves."""
    found: list[list[Act]] = [[]]
    room = most
    for act in acts:
        for part in _split(act, most):
            need = part.count if isinstance(part, Steps) else 1
            if need > room:
                found.append([])
                room = most
            found[-1].append(part)
            room -= need
    return [tuple(one) for one in found]


def parted(over: list[Stretch], branching: int, levels: int) -> list[list[Stretch]]:
    """Stretches in parts of branching^(levels − 1), so that what is left for each level below fits."""
    size = max(1, branching ** (levels - 1))
    return [over[n : n + size] for n in range(0, len(over), size)]


def _split(act: Act, most: int) -> list[Act]:
    if not isinstance(act, Steps) or act.count <= most:
        return [act]
    edges = act.edges()
    first = range(0, act.count, most)
    return [Steps(float(edges[n]), float(edges[min(n + most, act.count)]), min(most, act.count - n)) for n in first]


def forward(fields: Fields, parts: list[list[Stretch]], ways: Ways, see: See) -> list[Shaped[Array, "x y z"]]:
    """Run it; the field before each part."""
    kept = []
    for part in parts:
        kept.append(fields[0].copy())
        for act in chain.from_iterable(part):
            fields = ways.act(act, fields)
            if isinstance(act, Output):
                see(act, fields[0])
    return kept


def unseen(act: Output, field: Shaped[Array, "..."]) -> None:
    """Of runs gone again."""
