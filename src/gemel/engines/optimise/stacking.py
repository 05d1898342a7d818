"""From the matrices of all scenarios to one packed stack, one matrix at a time and within a memory budget.

When the budget is exceeded, regions that only limit dose are judged in the scenarios on an even part of their voxels: row i is kept when
the fraction of i/φ is below the share kept (golden-ratio sequence: Schretter, Kobbelt & Dehaye 2012, J Graph Tools 16:95), whatever the
order in which scenarios arrive. Rows of a dose asked for are never thinned, nor a limiting region below LEAST voxels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int

from gemel.core.image import Array
from gemel.engines.optimise.columns import Columns
from gemel.engines.optimise.objectives import Objective, SquaredOverdose, asked_Gy, on_rows
from gemel.engines.optimise.packing import Rows, empty, packed, stacked, thinned

LEAST = 2000  # voxels that a limiting region keeps
FEWEST = 1 / 64  # the thinnest share; beyond it the budget gives way
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Stack:
    """Packed rows of the scenarios so far, the row after the last of each, and the share of limiting rows kept."""

    rows: Rows
    ends: tuple[int, ...]
    share: float


def stack_of(parts: Iterable[Columns], goals: Sequence[Objective], whole: Sequence[Objective], budget_bytes: float) -> Stack:
    """The judged rows of each matrix in turn; `whole`: goals whose rows are never thinned, whatever they ask."""
    stack: Stack | None = None
    for columns in parts:
        if stack is None:
            stack = Stack(empty(columns.n_spots), (), 1.0)
        more = reached(packed(columns, _judged_rows(goals, whole, stack.share, columns.n_rows)), goals, whole)
        while stack.rows.nbytes + more.nbytes > budget_bytes and stack.share > FEWEST:
            wanted = np.zeros(columns.n_rows, np.bool_)
            wanted[_judged_rows(goals, whole, stack.share / 2, columns.n_rows)] = True
            if wanted[more.voxel].all():
                break
            stack, more = _less(stack, wanted), thinned(more, wanted[more.voxel])
        stack = replace(stack, rows=stacked(stack.rows, more), ends=(*stack.ends, stack.rows.n_rows + more.n_rows))
        del columns, more
    return stack if stack is not None else Stack(empty(1), (), 1.0)


def sampled(objective: Objective, share: float) -> Objective:
    """The objective on the share of its voxels that is kept."""
    if share >= 1 or asked_Gy(objective) > 0 or objective.voxels.size <= LEAST:
        return objective
    mine = max(share, LEAST / objective.voxels.size)
    return on_rows(objective, objective.voxels[evenly(objective.voxels, mine)])


def evenly(voxels: Int[Array, "n"], share: float) -> Bool[Array, "n"]:
    """Which of them belong to an even part of all voxels; that of a smaller share lies within that of a larger one."""
    return (voxels * GOLDEN) % 1.0 < share


def reached(rows: Rows, goals: Sequence[Objective], whole: Sequence[Objective]) -> Rows:
    """Without the rows that no spot reaches, unless they count all the same: dose asked for, and regions judged as a whole."""
    keep = np.diff(rows.start) > 0
    stays = np.zeros(int(rows.voxel.max()) + 1, np.bool_)
    for objective in (*whole, *(goal for goal in goals if not isinstance(goal, SquaredOverdose))):
        stays[objective.voxels[objective.voxels < stays.size]] = True
    keep |= stays[rows.voxel]
    return rows if keep.all() else thinned(rows, keep)


def _judged_rows(goals: Sequence[Objective], whole: Sequence[Objective], share: float, n_rows: int) -> Int[Array, "kept"]:
    used = np.zeros(n_rows, np.bool_)
    for objective in (*whole, *(sampled(goal, share) for goal in goals)):
        used[objective.voxels] = True
    return np.flatnonzero(used)


def _less(stack: Stack, wanted: Bool[Array, "voxels"]) -> Stack:
    keep = wanted[stack.rows.voxel]
    before = np.concatenate([[0], np.cumsum(keep)])
    return Stack(thinned(stack.rows, keep), tuple(int(before[end]) for end in stack.ends), stack.share / 2)
