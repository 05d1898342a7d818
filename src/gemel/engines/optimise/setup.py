"""From the caller's matrices and objectives to a checked `Problem`; whatever cannot be planned on is refused here."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.engines.optimise.assembly import Part, assembled
from gemel.engines.optimise.columns import Columns, Matrix, columns_of
from gemel.engines.optimise.limits import Limit
from gemel.engines.optimise.objectives import Objective, asked_Gy
from gemel.engines.optimise.packing import stacked
from gemel.engines.optimise.problem import Problem, dose_Gy, rows_of
from gemel.engines.optimise.stacking import Stack, sampled, stack_of

Scenario = Matrix | tuple[Matrix, float]
Goal = Objective | Limit


@dataclass(frozen=True)
class Measure:
    """The tail of the scenarios that counts, and the memory that their rows may take."""

    tail_fraction: float = 1.0
    budget_bytes: float = np.inf


def build(influence: Matrix, goals: Sequence[Goal], scenarios: Iterable[Scenario] | None, measure: Measure = Measure()) -> Problem:
    """Check everything once; of each scenario's matrix only the rows that its goals use are kept, packed, one matrix at a time."""
    if not any(isinstance(goal, Objective) for goal in goals):
        raise InputError("no objectives", where="optimise.plan", remedy="pass at least one, such as SquaredDeviation on the target")
    nominal = columns_of(influence, "influence")
    if scenarios is None:
        stack = _stack([nominal], goals, np.inf)
        return assembled(stack.rows, [Part("influence", stack.ends[0], goals)], np.ones(1), tail_fraction=measure.tail_fraction)
    robust, fixed = ([goal for goal in goals if objective_of(goal).robust is wanted] for wanted in (True, False))
    if not any(isinstance(goal, Objective) for goal in robust):
        raise InputError("scenarios, but no robust objective", where="optimise.plan", remedy="set robust=True in one, or drop scenarios")
    probability: list[float] = []
    stack = _stack(_checked(scenarios, influence, nominal, probability), robust, measure.budget_bytes)
    thin = [goal if isinstance(goal, Limit) else sampled(goal, stack.share) for goal in robust]
    parts = [Part(f"scenario {s}", end, thin) for s, end in enumerate(stack.ends)]
    relative, rows = _normalised(probability), stack.rows
    if fixed:
        rows = stacked(rows, _stack([nominal], fixed, np.inf).rows)
        parts.append(Part("influence", rows.n_rows, fixed))
    return assembled(rows, parts, relative, tail_fraction=measure.tail_fraction, sampled=stack.share)


def objective_of(goal: Goal) -> Objective:
    """The objective of a limit, or the objective itself."""
    return goal.objective if isinstance(goal, Limit) else goal


def start_weights(problem: Problem, goals: Sequence[Goal], start: Float[Array, "spots"] | None) -> Float[Array, "spots"]:
    """The given plan, or equal weights that give the first target its mean dose, so that no iteration is spent on the scale."""
    if start is None:
        return _uniform(problem, goals)
    weights = np.array(start, dtype=np.float64)
    if weights.shape != (problem.n_spots,):
        raise InputError(f"a start of shape {weights.shape} for {problem.n_spots} spots", where="start", remedy="pass one weight a spot")
    if not np.isfinite(weights).all() or weights.min() < 0:
        raise RangeError("weights that are negative or not finite", where="start", remedy="pass finite weights ≥ 0 in 1e6 protons")
    return weights


def _uniform(problem: Problem, goals: Sequence[Goal]) -> Float[Array, "spots"]:
    ones = np.ones(problem.n_spots)
    for objective in map(objective_of, goals):
        if asked_Gy(objective) > 0:
            part = 0 if objective.robust else len(problem.ends) - 1
            at = rows_of(problem.rows, problem.ends, part, objective.voxels)
            return ones * (asked_Gy(objective) / float(dose_Gy(problem, ones)[at].mean()))
    return np.zeros(problem.n_spots)


def _stack(parts: Iterable[Columns], goals: Sequence[Goal], budget_bytes: float) -> Stack:
    whole = [goal.objective for goal in goals if isinstance(goal, Limit)]
    return stack_of((_covering(columns, goals) for columns in parts), [g for g in goals if isinstance(g, Objective)], whole, budget_bytes)


def _covering(columns: Columns, goals: Sequence[Goal]) -> Columns:
    for objective in map(objective_of, goals):
        if objective.voxels.max() >= columns.n_rows:
            found = f"row {objective.voxels.max()} of {type(objective).__name__} in a matrix of {columns.n_rows} voxels"
            raise GeometryError(found, where="objectives", remedy="take the rows from the grid on which the matrix was computed")
    return columns


def _checked(scenarios: Iterable[Scenario], influence: Matrix, nominal: Columns, probability: list[float]) -> Iterator[Columns]:
    """The scenarios' matrices in turn, each checked; their probabilities are noted as they come."""
    for s, scenario in enumerate(scenarios):
        matrix, relative = scenario if isinstance(scenario, tuple) else (scenario, 1.0)
        columns = nominal if matrix is influence else columns_of(matrix, f"scenario {s}")
        if (columns.n_rows, columns.n_spots) != (nominal.n_rows, nominal.n_spots):
            found = f"a matrix of {columns.n_rows} voxels x {columns.n_spots} spots beside {nominal.n_rows} x {nominal.n_spots}"
            raise GeometryError(found, where=f"scenario {s}", remedy="compute every scenario on the same grid for the same spots")
        probability.append(float(relative))
        yield columns
        del matrix, columns, scenario


def _normalised(relative: Sequence[float]) -> Float[Array, "scenarios"]:
    probability = np.array(relative)
    if probability.size == 0:
        raise InputError("no scenarios", where="scenarios", remedy="pass at least one matrix, or None for the nominal plan")
    if not np.isfinite(probability).all() or probability.min() < 0 or probability.sum() <= 0:
        found = f"probabilities {probability.tolist()}"
        raise RangeError(found, where="scenarios", remedy="pass relative probabilities ≥ 0 with a positive sum")
    return probability / probability.sum()
