"""What is given from outside: boluses that jump, infusions that flow at a constant rate, each at its exact time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.scalar import Scalar
from gemel.engines.ode.system import System


@dataclass(frozen=True)
class Dose:
    """`amount` (one number, or one a draw) into a species at `start`; over `duration` at a constant rate, or at once if that is 0."""

    species: str
    amount: Scalar | Float[Array, "draws"] | Int[Array, "draws"]
    start: float | int = 0.0
    duration: float | int = 0.0


class Segments(NamedTuple):
    """Intervals between events: `edges` (s + 1,); jumps at their beginnings and flows during them, each by segment and row with the
    number of its dose, whose amounts or rates are the rows of `amounts` (doses, draws)."""

    edges: Array
    jumps: Array
    flows: Array
    amounts: Array


def segments(system: System, doses: Sequence[Dose], end: float, draws: int) -> Segments:
    """The intervals from 0 to `end`. Raises RangeError for a dose before 0, into no species, or not finite."""
    for dose in doses:
        _require_sane(dose, system)
    doses = [dose for dose in doses if dose.start <= end]
    stops = [dose.start for dose in doses] + [dose.start + dose.duration for dose in doses]
    edges = np.unique([0.0, end, *(stop for stop in stops if stop < end)])
    at = {dose: int(np.searchsorted(edges, dose)) for dose in stops}
    last = len(edges) - 2
    jumps = [(at[d.start], system.row[d.species], k) for k, d in enumerate(doses) if d.duration == 0 and at[d.start] <= last]
    flows = [
        (s, system.row[d.species], k)
        for k, d in enumerate(doses)
        if d.duration > 0
        for s in range(at[d.start], min(at[d.start + d.duration], last + 1))
    ]
    amounts = [np.broadcast_to(d.amount, draws) / (d.duration or 1.0) for d in doses]
    return Segments(edges, _table(jumps), _table(flows), np.array(amounts, dtype=np.float64).reshape(-1, draws))


def _table(rows: list[tuple[int, int, int]]) -> Array:
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def _require_sane(dose: Dose, system: System) -> None:
    if dose.species not in system.row:
        raise RangeError(f"a dose into {dose.species!r}", where="solve", remedy="name a species of the network")
    if not (np.isfinite(dose.start) and np.isfinite(dose.duration) and dose.start >= 0 and dose.duration >= 0):
        raise RangeError(f"a dose at {dose.start} over {dose.duration}", where=dose.species, remedy="give times from 0 on")
    if not np.isfinite(dose.amount).all() or (np.asarray(dose.amount) < 0).any():
        raise RangeError("a dose that is negative or not finite", where=dose.species, remedy="give amounts of 0 or more")
