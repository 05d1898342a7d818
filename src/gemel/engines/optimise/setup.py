"""From the caller's matrices and objectives to a checked `Problem`; whatever cannot be planned on is refused here."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import sparse

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.engines.optimise.objectives import MinDVH, Objective, SquaredDeviation, SquaredUnderdose, on_rows
from gemel.engines.optimise.problem import Part, Problem
from gemel.engines.optimise.products import Columns, dose_Gy, restrict

Matrix = Any  # a scipy sparse matrix or array: voxels x spots, Gy per 1e6 protons
Scenario = Matrix | tuple[Matrix, float]


def build(influence: Matrix, objectives: Sequence[Objective], scenarios: Iterable[Scenario] | None, *, tail_fraction: float) -> Problem:
    """Check everything once; of each scenario's matrix only the rows that its objectives use are kept, one matrix at a time."""
    if not objectives:
        raise InputError("no objectives", where="optimise.plan", remedy="pass at least one, such as SquaredDeviation on the target")
    nominal = columns_of(influence, "influence")
    if scenarios is None:
        return Problem((_part(nominal, objectives, 1.0, "influence"),), (), tail_fraction)
    robust, fixed = [o for o in objectives if o.robust], [o for o in objectives if not o.robust]
    if not robust:
        raise InputError("scenarios, but no robust objective", where="optimise.plan", remedy="set robust=True in one, or drop scenarios")
    parts = []
    for s, scenario in enumerate(scenarios):
        matrix, probability = scenario if isinstance(scenario, tuple) else (scenario, 1.0)
        columns = nominal if matrix is influence else columns_of(matrix, f"scenario {s}")
        _require_same_shape(columns, nominal, f"scenario {s}")
        parts.append(_part(columns, robust, float(probability), f"scenario {s}"))
    rest = (_part(nominal, fixed, 1.0, "influence"),) if fixed else ()
    return Problem(_normalised(parts), rest, tail_fraction)


def columns_of(matrix: Matrix, where: str) -> Columns:
    """The matrix as float32 columns, without a copy when it is CSC float32 already."""
    if not isinstance(matrix, sparse.spmatrix | sparse.sparray):
        raise InputError(f"a {type(matrix).__name__}", where=where, remedy="pass a scipy.sparse matrix of voxels x spots")
    csc: Any = sparse.csc_array(matrix)
    if 0 in csc.shape or csc.nnz == 0:
        raise InputError(f"an empty matrix of shape {csc.shape}", where=where, remedy="check that the spots reach the dose grid")
    low, high = float(csc.data.min()), float(csc.data.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RangeError("values that are not finite", where=where, remedy="look for NaN in the image and the beam model")
    if low < 0:
        raise RangeError(f"negative dose ({low:.3g} Gy per 1e6 protons)", where=where, remedy="compute the influence matrix again")
    data, rows = csc.data.astype(np.float32, copy=False), csc.indices.astype(np.int32, copy=False)
    return Columns(data, rows, csc.indptr.astype(np.int64), int(csc.shape[0]))


def start_weights(problem: Problem, start: Float[Array, "spots"] | None) -> Float[Array, "spots"]:
    """The given plan, or equal weights that give the first target its mean dose, so that no iteration is spent on the scale."""
    if start is None:
        return _uniform(problem)
    weights = np.array(start, dtype=np.float64)
    if weights.shape != (problem.n_spots,):
        raise InputError(f"a start of shape {weights.shape} for {problem.n_spots} spots", where="start", remedy="pass one weight a spot")
    if not np.isfinite(weights).all() or weights.min() < 0:
        raise RangeError("weights that are negative or not finite", where="start", remedy="pass finite weights ≥ 0 in 1e6 protons")
    return weights


def _uniform(problem: Problem) -> Float[Array, "spots"]:
    ones = np.ones(problem.n_spots)
    for part in problem.parts:
        for objective in part.objectives:
            prescribed_Gy = asked_Gy(objective)
            if prescribed_Gy > 0:
                return ones * (prescribed_Gy / float(dose_Gy(part.columns, ones)[objective.voxels].mean()))
    return np.zeros(problem.n_spots)


def asked_Gy(objective: Objective) -> float:
    """The dose that an objective asks its voxels to receive; 0 for those that only limit."""
    return objective.dose_Gy if isinstance(objective, SquaredDeviation | SquaredUnderdose | MinDVH) else 0.0


def _part(columns: Columns, objectives: Sequence[Objective], probability: float, where: str) -> Part:
    for objective in objectives:
        if objective.voxels.max() >= columns.n_rows:
            found = f"row {objective.voxels.max()} of {type(objective).__name__} in a matrix of {columns.n_rows} voxels"
            raise GeometryError(found, where=where, remedy="take the rows from the grid on which the matrix was computed")
    used = np.zeros(columns.n_rows, np.bool_)
    for objective in objectives:
        used[objective.voxels] = True
    position = np.where(used, np.cumsum(used) - 1, -1)
    n_used = int(np.count_nonzero(used))
    kept = columns if n_used == columns.n_rows else restrict(columns, position, n_used)
    moved = tuple(on_rows(o, position[o.voxels]) for o in objectives)
    _require_reached(kept, moved, where)
    return Part(kept, moved, probability)


def _require_reached(columns: Columns, objectives: Iterable[Objective], where: str) -> None:
    reached = np.zeros(columns.n_rows, np.bool_)
    reached[columns.rows] = True
    for objective in objectives:
        missed = int(np.count_nonzero(~reached[objective.voxels]))
        if missed and asked_Gy(objective) > 0:
            found = f"{missed} of {objective.voxels.size} target voxels ({type(objective).__name__}) that no spot reaches"
            raise GeometryError(found, where=where, remedy="widen the spot margin, add energies, or take them out of the objective")


def _require_same_shape(columns: Columns, nominal: Columns, where: str) -> None:
    if (columns.n_rows, columns.n_spots) != (nominal.n_rows, nominal.n_spots):
        found = f"a matrix of {columns.n_rows} voxels x {columns.n_spots} spots beside {nominal.n_rows} x {nominal.n_spots}"
        raise GeometryError(found, where=where, remedy="compute every scenario on the same grid for the same spots")


def _normalised(parts: Sequence[Part]) -> tuple[Part, ...]:
    probability = np.array([part.probability for part in parts])
    if probability.size == 0:
        raise InputError("no scenarios", where="scenarios", remedy="pass at least one matrix, or None for the nominal plan")
    if not np.isfinite(probability).all() or probability.min() < 0 or probability.sum() <= 0:
        found = f"probabilities {probability.tolist()}"
        raise RangeError(found, where="scenarios", remedy="pass relative probabilities ≥ 0 with a positive sum")
    return tuple(replace(part, probability=float(part.probability / probability.sum())) for part in parts)
