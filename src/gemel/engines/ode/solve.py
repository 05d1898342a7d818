"""The course of a network in time for many draws at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import get_num_threads, njit

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.ode.dosing import Dose, segments
from gemel.engines.ode.kernels import LANES, assemble
from gemel.engines.ode.rosenbrock import march
from gemel.engines.ode.system import System
from gemel.engines.ode.tableau import STAGES

SHORTEST = 1e-9  # a course that ends at 0 still takes what is given there


@dataclass(frozen=True)
class Tolerance:
    """Estimated error of a step, of every state: at most absolute + relative·|amount|; and the most steps a draw may take."""

    relative: float = 1e-6
    absolute: float = 1e-10
    most_steps: int = 20000


@dataclass(frozen=True)
class Solution:
    """Readouts and their integrals from 0 at the times asked for (NaN after a failure), the amounts at the last time, and how it went.

    `amounts` are in the order of the network's species; `status` holds values of `Status`; `steps` counts attempted steps.
    """

    names: tuple[str, ...]
    t: Float[Array, "times"]
    values: Float[Array, "draws times readouts"]
    integrals: Float[Array, "draws times readouts"]
    amounts: Float[Array, "draws species"]
    status: Int[Array, "draws"]
    steps: Int[Array, "draws"]


def solve(
    system: System,
    coefficients: Float[Array, "draws coefficients"],
    *,
    t: Float[Array, "times"],
    initial: Float[Array, "draws species"] | None = None,
    doses: Sequence[Dose] = (),
    tolerance: Tolerance = Tolerance(),
) -> Solution:
    """Amounts from time 0 to the last of `t` by Rodas5P with error control; a value at the time of a bolus is that after it.

    Draws are worked on `LANES` side by side, each with its own steps: no number depends on the other draws or on the number of threads.
    A draw that fails has a status, not an exception. Raises RangeError for times that do not rise from 0 or shapes that do not fit.
    """
    draws, t = len(coefficients), np.ascontiguousarray(t, dtype=np.float64)
    initial = np.zeros((draws, len(system.row))) if initial is None else initial
    _require_shapes(system, coefficients, t, initial)
    plan = segments(system, doses, max(float(t[-1]), SHORTEST), draws)
    e = system.elimination
    y = np.zeros((draws, system.states + 1))
    y[:, [system.row[name] for name in system.network.species]] = initial
    y[:, -1] = 1.0
    groups = -(-draws // LANES)
    numbers = (_lanes(coefficients, groups), _lanes(y, groups), _lanes(plan.amounts.T, groups))
    values = np.full((groups, len(t), 2 * len(system.readouts), LANES), np.nan)
    ends = (np.empty(numbers[1].shape), np.zeros((groups, LANES), dtype=np.int64), np.zeros((groups, LANES), dtype=np.int64))
    tables = (system.linear, system.products)
    elimination = (e.diagonal, e.lower, e.updates, e.update_ends, e.upper, e.upper_ends)
    settings = (tolerance.relative, tolerance.absolute, tolerance.most_steps)
    asked, results = (settings, system.outputs, t), (values, *ends)

    def group(g: int) -> None:
        _course((tables, elimination, e.size), numbers, plan[:3], asked, (results, g))

    with ThreadPoolExecutor(min(groups, get_num_threads())) as pool:
        list(pool.map(group, range(groups)))
    series = np.moveaxis(values, 3, 1).reshape(groups * LANES, len(t), -1)[:draws]
    amounts = np.moveaxis(ends[0], 2, 1).reshape(groups * LANES, -1)[:draws]
    return Solution(
        tuple(name for name, _ in system.readouts),
        t,
        series[..., : len(system.readouts)],
        series[..., len(system.readouts) :],
        amounts[:, [system.row[name] for name in system.network.species]],
        ends[1].ravel()[:draws],
        ends[2].ravel()[:draws],
    )


def _lanes(rows: Float[Array, "draws k"], groups: int) -> Float[Array, "groups k lanes"]:
    """Draws in groups of `LANES`, the draws last; the last draw fills the last group."""
    index = np.minimum(np.arange(groups * LANES), len(rows) - 1)
    return np.ascontiguousarray(np.moveaxis(rows[index].reshape(groups, LANES, -1), 1, 2), dtype=np.float64)


def _require_shapes(system: System, coefficients: Array, t: Array, initial: Array) -> None:
    if not len(t) or not np.isfinite(t).all() or t[0] < 0 or (np.diff(t) < 0).any():
        raise RangeError("times that do not rise from 0", where="solve", remedy="sort them; the course begins at 0")
    if coefficients.shape[1] != len(system.network.coefficients) or initial.shape != (len(coefficients), len(system.row)):
        raise RangeError(
            f"{coefficients.shape} coefficients and {initial.shape} amounts for {len(system.network.coefficients)} and {len(system.row)}",
            where="solve",
            remedy="one row a draw, in the order of the network",
        )


@njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _course(system, numbers, plan, asked, place):
    """One group of lanes through the segments between events."""
    tables, elimination, size = system
    coefficients, y0, amounts = numbers[0][place[1]], numbers[1][place[1]], numbers[2][place[1]]
    edges, jumps, flows = plan
    settings, outputs, times = asked
    (values, ends, status, steps), group = place
    n = len(elimination[0])
    matrix = np.empty((len(tables[0].columns), LANES))
    assemble(tables[0], coefficients, matrix)
    y, trial = y0.copy(), y0.copy()
    source, cursor = np.empty((n, LANES)), np.zeros(LANES, dtype=np.int64)
    stages, right, table, inverse = np.empty((n, STAGES, LANES)), np.empty((n, LANES)), np.empty((size, LANES)), np.empty((n, LANES))
    work = (y, trial, stages, right, np.empty(LANES), np.empty(LANES), table, inverse)
    for s in range(len(edges) - 1):
        source[:] = 0.0
        for k in range(len(jumps)):
            if jumps[k, 0] == s:
                y[jumps[k, 1]] += amounts[jumps[k, 2]]
        for k in range(len(flows)):
            if flows[k, 0] == s:
                source[flows[k, 1]] += amounts[flows[k, 2]]
        span = (edges[s], edges[s + 1], s == len(edges) - 2)
        results = (outputs, times, values[group])
        march(tables, elimination, (matrix, coefficients), source, work, (span, settings, results, (cursor, steps[group], status[group])))
    ends[group] = y
