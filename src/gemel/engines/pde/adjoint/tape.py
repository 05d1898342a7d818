"""A run as single moves, and what is kept of it on the way forward so that it can be gone back."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Shaped

from gemel.core.image import Array
from gemel.engines.pde.course import Act, Output, Steps
from gemel.engines.pde.stepping import Fields
from gemel.engines.pde.ways import Ways

Stretch = tuple[Act, ...]


def stretches(acts: tuple[Act, ...], stages: int) -> list[Stretch]:
    """Acts in stretches of m moves, of which one at a time is kept in full: √(N stages) checkpoints and as many fields, the least memory.

    Griewank 1992, Optim Methods Softw 1:35, for one level.
    """
    moves = sum(one.count if isinstance(one, Steps) else 1 for one in acts)
    most = max(1, round(np.sqrt(moves / (stages + 1))))
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


def _split(act: Act, most: int) -> list[Act]:
    if not isinstance(act, Steps) or act.count <= most:
        return [act]
    edges = act.edges()
    first = range(0, act.count, most)
    return [Steps(float(edges[n]), float(edges[min(n + most, act.count)]), min(most, act.count - n)) for n in first]


def forward(fields: Fields, over: list[Stretch], ways: Ways, see: Callable[[Output, Any], None]) -> list[Shaped[Array, "x y z"]]:
    """Run it; the field before each stretch."""
    kept = []
    for stretch in over:
        kept.append(fields[0].copy())
        for act in stretch:
            fields = ways.act(act, fields)
            if isinstance(act, Output):
                see(act, fields[0])
    return kept
