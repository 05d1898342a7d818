"""Sparse LU without pivoting, planned once for a pattern: the order of elimination and the lists of what is multiplied with what.

The matrices here are I/(γh) − J of compartment networks: as h falls they become diagonally dominant, so the diagonal is the pivot.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from gemel.core.image import Array

Pair = tuple[int, int]


@dataclass(frozen=True)
class Elimination:
    """Plan for a matrix stored as a list of values, already in the order of elimination.

    `diagonal` (n,) places of the pivots; `lower` (l, 3): place, row, column below the pivots, by column; `updates` (u, 2): place of the
    value taken from, place in the pivot's row, with `update_ends` (l,) where those of each lower value end; `upper` (m, 2): place and
    column right of the pivots, by row, with `upper_ends` (n,).
    """

    place: dict[Pair, int]
    diagonal: Int[Array, "n"]
    lower: Int[Array, "l 3"]
    updates: Int[Array, "u 2"]
    update_ends: Int[Array, "l"]
    upper: Int[Array, "m 2"]
    upper_ends: Int[Array, "n"]

    @property
    def size(self) -> int:
        """Stored values, with fill."""
        return len(self.place)


def ordered(pattern: set[Pair], n: int) -> list[int]:
    """Order of pivots on the diagonal, by least (rows − 1)·(columns − 1) still to be done. Markowitz 1957, Manag Sci 3:255."""
    rows = [{j for i, j in pattern if i == k} - {k} for k in range(n)]
    columns = [{i for i, j in pattern if j == k} - {k} for k in range(n)]
    left, order = set(range(n)), []
    while left:
        pivot = min(left, key=lambda k: (len(rows[k]) * len(columns[k]), k))
        order.append(pivot)
        left.remove(pivot)
        for i in columns[pivot]:
            rows[i] = (rows[i] | rows[pivot]) - {pivot, i}
        for j in rows[pivot]:
            columns[j] = (columns[j] | columns[pivot]) - {pivot, j}
    return order


def planned(pattern: set[Pair], n: int) -> Elimination:
    """The plan for a pattern whose rows and columns stand in the order of elimination."""
    filled = {*pattern, *((k, k) for k in range(n))}
    below: list[list[int]] = []
    right: list[list[int]] = []
    for k in range(n):
        below.append(sorted(i for i in range(k + 1, n) if (i, k) in filled))
        right.append(sorted(j for j in range(k + 1, n) if (k, j) in filled))
        filled.update((i, j) for i in below[k] for j in right[k])
    place = {pair: index for index, pair in enumerate(sorted(filled))}
    lower = [(place[i, k], i, k) for k in range(n) for i in below[k]]
    updates = [[(place[i, j], place[k, j]) for j in right[k]] for k in range(n) for i in below[k]]
    upper = [[(place[k, j], j) for j in right[k]] for k in range(n)]
    return Elimination(
        place=place,
        diagonal=np.array([place[k, k] for k in range(n)], dtype=np.int64),
        lower=_table(lower, 3),
        updates=_table([pair for row in updates for pair in row], 2),
        update_ends=np.cumsum([len(row) for row in updates], dtype=np.int64),
        upper=_table([pair for row in upper for pair in row], 2),
        upper_ends=np.cumsum([len(row) for row in upper], dtype=np.int64),
    )


def _table(rows: Sequence[tuple[int, ...]], width: int) -> Int[Array, "n w"]:
    return np.array(rows, dtype=np.int64).reshape(-1, width)
