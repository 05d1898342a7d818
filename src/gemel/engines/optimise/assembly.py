"""A stack of packed rows and the goals of each part of it, joined to a `Problem`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gemel.core.errors import GeometryError, InputError
from gemel.core.image import Array
from gemel.engines.optimise.limits import Held, Limit
from gemel.engines.optimise.objectives import Objective, SquaredDeviation, SquaredOverdose, SquaredUnderdose, asked_Gy
from gemel.engines.optimise.packing import Rows
from gemel.engines.optimise.problem import Problem, Regional, rows_of
from gemel.engines.optimise.products import Terms

VOXELWISE = (SquaredDeviation, SquaredOverdose, SquaredUnderdose)
MOST = 62  # objectives whose presence at a voxel is one bit


@dataclass(frozen=True)
class Part:
    """The rows of one matrix up to `end`, and what is judged on them."""

    name: str
    end: int
    goals: Sequence[Objective | Limit]


def assembled(
    rows: Rows, parts: Sequence[Part], probability: Float[Array, "scenarios"], *, tail_fraction: float, sampled: float = 1.0
) -> Problem:
    """The problem; raises GeometryError for a target that a part does not reach."""
    ends = tuple(part.end for part in parts)
    regional: list[Regional] = []
    held: list[Held] = []
    numbers: dict[int, int] = {}
    for p, part in enumerate(parts):
        for goal in part.goals:
            objective = goal.objective if isinstance(goal, Limit) else goal
            _require_reached(rows, ends, p, part.name, objective)
            if isinstance(goal, Limit):
                number = numbers.setdefault(id(goal), len(numbers))
                held.append(Held(goal, number, p, rows_of(rows, ends, p, objective.voxels)))
            elif not isinstance(goal, VOXELWISE):
                regional.append(Regional(goal, p, rows_of(rows, ends, p, objective.voxels)))
    terms = _terms(rows, ends, parts, probability.size)
    return Problem(rows, ends, terms, tuple(regional), probability, tail_fraction, sampled, tuple(held))


def _require_reached(rows: Rows, ends: Sequence[int], p: int, where: str, objective: Objective) -> None:
    if asked_Gy(objective) <= 0:
        return
    at = rows_of(rows, ends, p, objective.voxels)
    missed = int(np.count_nonzero(rows.start[at + 1] == rows.start[at]))
    if missed:
        found = f"{missed} of {objective.voxels.size} target voxels ({type(objective).__name__}) that no spot reaches"
        raise GeometryError(found, where=where, remedy="widen the spot margin, add energies, or take them out of the objective")


def _terms(rows: Rows, ends: Sequence[int], parts: Sequence[Part], scenarios: int) -> Terms:
    """Scenarios share their goals, hence their terms; the nominal part, if any, has its own."""
    kinds, combinations = [], [np.zeros((0, 3))]
    count = [0]
    for first, last in ((0, scenarios), (scenarios, len(parts))):
        if first == last:
            continue
        mine = [goal for goal in parts[first].goals if isinstance(goal, VOXELWISE)]
        begin = ends[first - 1] if first else 0
        kind, tables = _kinds(rows.voxel[begin : ends[last - 1]], mine)
        kinds.append(kind + len(count) - 1)
        combinations += tables
        count += [len(table) for table in tables]
    table = np.concatenate(combinations)
    return Terms(np.concatenate(kinds).astype(np.int32), np.cumsum(count), table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy())


def _kinds(voxel: Int[Array, "rows"], objectives: Sequence[Objective]) -> tuple[Int[Array, "rows"], list[Float[Array, "terms 3"]]]:
    """Which set of objectives holds at each row, and the terms (D, h above, h below) of each set."""
    if len(objectives) > MOST:
        found = f"{len(objectives)} objectives judged voxel by voxel"
        raise InputError(found, where="optimise.plan", remedy=f"join those of equal dose: at most {MOST}")
    code = np.zeros(int(max(voxel.max(initial=0), *(o.voxels.max() for o in objectives), 0)) + 1, np.int64)
    for bit, objective in enumerate(objectives):
        code[objective.voxels] |= 1 << bit
    present, kind = np.unique(code[voxel], return_inverse=True)
    terms = _voxelwise(objectives)
    return kind, [terms[[bit for bit in range(len(objectives)) if int(c) >> bit & 1]] for c in present]


def _voxelwise(objectives: Sequence[Objective]) -> Float[Array, "objectives 3"]:
    table = np.zeros((len(objectives), 3))
    for row, objective in zip(table, objectives):
        h = objective.weight / objective.voxels.size
        row[0] = float(vars(objective)["dose_Gy"])
        row[1] = 0.0 if isinstance(objective, SquaredUnderdose) else h
        row[2] = 0.0 if isinstance(objective, SquaredOverdose) else h
    return table
